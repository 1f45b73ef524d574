//! A proxy that tunnels (RFC 9110, section 9.3.6) and records the requests.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

pub(crate) struct ConnectProxy {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl ConnectProxy {
    /// Accepts connections until the runtime ends.
    pub(crate) async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let seen = Arc::<Mutex<Vec<String>>>::default();
        let remember = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(tunnel(client, Arc::clone(&remember)));
            }
        });
        Ok(Self { url, seen })
    }

    /// The request lines so far. The content of the tunnels is encrypted.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

async fn tunnel(client: TcpStream, seen: Arc<Mutex<Vec<String>>>) -> io::Result<()> {
    let mut client = BufStream::new(client);
    let mut request = String::new();
    client.read_line(&mut request).await?;
    let mut header = String::new();
    while client.read_line(&mut header).await? > 0 && header.trim() != "" {
        header.clear();
    }
    let request = request.trim().to_owned();
    let target = request.strip_prefix("CONNECT ");
    let target = target
        .and_then(|rest| rest.split(' ').next())
        .map(str::to_owned);
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(request);

    let Some(target) = target else {
        client
            .write_all(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            .await?;
        return client.flush().await;
    };
    let mut server = TcpStream::connect(target).await?;
    client
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await?;
    client.flush().await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
