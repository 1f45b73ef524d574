use std::{
    io::{Read, Write},
    net::TcpListener,
    thread::{self, JoinHandle},
    time::Duration,
};

use rowfeed_sandbox::{Fault, Recorded, Sandbox, YANDEX_IAM_TOKEN};
use rowfeed_yandex_query::{Client, ClientBuilder, RetryPolicy, Secret};

/// Starts a sandbox, and returns a client for it without retries.
pub(crate) async fn start() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let client = builder(&sandbox.yandex_query_url()).build().unwrap();
    (sandbox, client)
}

/// Starts a sandbox, and returns a client for it with retries that do not wait.
pub(crate) async fn start_retrying() -> (Sandbox, Client) {
    let sandbox = Sandbox::start().await.unwrap();
    let at_once = RetryPolicy::new()
        .max_attempts(3)
        .base_delay(Duration::ZERO);
    let client = builder(&sandbox.yandex_query_url())
        .retry(at_once)
        .build()
        .unwrap();
    (sandbox, client)
}

pub(crate) fn builder(url: &str) -> ClientBuilder {
    Client::builder()
        .base_url(url)
        .iam_token(Secret::new(YANDEX_IAM_TOKEN).unwrap())
        .retry(RetryPolicy::none())
}

/// Sets the body of the next response.
pub(crate) fn json(status: u16, body: impl AsRef<str>) -> Fault {
    Fault::answer(status, "application/json", body.as_ref())
}

/// Returns the only request that the sandbox received since the last call.
#[track_caller]
pub(crate) fn sent(sandbox: &Sandbox) -> Recorded {
    let mut requests = sandbox.take_requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.remove(0)
}

/// A server that shows one request with its credentials, which a sandbox hides. It responds with an
/// empty object.
pub(crate) struct Wire {
    pub(crate) url: String,
    request: JoinHandle<String>,
}

impl Wire {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let request = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() == 1 {
                request.push(byte[0]);
            }
            stream
                .write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                      content-length: 2\r\nconnection: close\r\n\r\n{}",
                )
                .unwrap();
            String::from_utf8(request).unwrap()
        });
        Self { url, request }
    }

    /// Returns the head of the request.
    pub(crate) fn head(self) -> String {
        self.request.join().unwrap()
    }
}
