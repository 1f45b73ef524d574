//! Relays that note what passes: between a worker and the sandbox, and between the machines.

use std::{
    sync::{Arc, Mutex},
    time::Instant,
};

use http_body_util::BodyExt as _;
use hyper::{
    HeaderMap, Request, Response,
    body::{Frame, Incoming},
    client::conn::http2 as client,
    server::conn::http2 as server,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// Passes HTTP/1 on to a port and notes when each request passes. Returns its own port.
pub(crate) async fn timed(to: u16, times: Arc<Mutex<Vec<Instant>>>) -> u16 {
    listen(move |client| {
        let times = Arc::clone(&times);
        async move {
            let server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            let (mut from_client, mut to_client) = client.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            tokio::spawn(async move {
                let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
            });
            let mut buffer = vec![0; 65_536];
            while let Ok(count) = from_client.read(&mut buffer).await {
                // A request without a body is one segment.
                if buffer[..count].starts_with(b"GET ") {
                    times.lock().unwrap().push(Instant::now());
                }
                if count == 0 || to_server.write_all(&buffer[..count]).await.is_err() {
                    return;
                }
            }
        }
    })
    .await
}

/// What passed: the headers and trailers decoded, and the messages as bytes.
#[derive(Clone, Default)]
pub(crate) struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    pub(crate) fn contains(&self, text: &str) -> bool {
        let heard = self.0.lock().unwrap();
        heard
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    }

    fn note(&self, bytes: &[u8]) {
        let mut heard = self.0.lock().unwrap();
        heard.extend_from_slice(bytes);
        // Not a part of any text that is searched for.
        heard.push(0);
    }

    fn headers(&self, headers: &HeaderMap) {
        for (name, value) in headers {
            let line = [name.as_str().as_bytes(), b": ", value.as_bytes()].concat();
            self.note(&line);
        }
    }

    fn frame<T: AsRef<[u8]>>(&self, frame: Frame<T>) -> Frame<T> {
        if let Some(data) = frame.data_ref() {
            // Messages may span several frames, so nothing separates them.
            self.0.lock().unwrap().extend_from_slice(data.as_ref());
        }
        if let Some(trailers) = frame.trailers_ref() {
            self.headers(trailers);
        }
        frame
    }
}

/// Passes HTTP/2 on to a worker, and notes what passes in both directions. Headers are compressed
/// between the machines, so the relay decodes and encodes them anew. Returns its own port.
pub(crate) async fn decoded(to: u16, heard: Heard) -> u16 {
    listen(move |client| {
        let heard = heard.clone();
        async move {
            let worker = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
            let worker = client::handshake(TokioExecutor::new(), TokioIo::new(worker)).await;
            let (sender, connection) = worker.unwrap();
            tokio::spawn(connection);
            let serve = service_fn(move |request: Request<Incoming>| {
                let (mut sender, heard) = (sender.clone(), heard.clone());
                async move {
                    heard.note(request.uri().to_string().as_bytes());
                    heard.headers(request.headers());
                    let sent = heard.clone();
                    let request =
                        request.map(|body| body.map_frame(move |frame| sent.frame(frame)));
                    let response: Response<Incoming> = sender.send_request(request).await?;
                    heard.headers(response.headers());
                    Ok::<_, hyper::Error>(
                        response.map(|body| body.map_frame(move |frame| heard.frame(frame))),
                    )
                }
            });
            let server = server::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(client), serve).await;
        }
    })
    .await
}

async fn listen<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            client.set_nodelay(true).unwrap();
            tokio::spawn(serve(client));
        }
    });
    port
}
