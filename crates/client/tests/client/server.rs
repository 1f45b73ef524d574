//! A loopback HTTP server that answers each request with scripted bytes.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The behavior of the server after it has read one request. It then closes the connection.
#[derive(Clone, Default)]
pub struct Reply(Vec<Step>);

#[derive(Clone)]
enum Step {
    Send(Vec<u8>),
    Wait(Duration),
}

impl Reply {
    /// A whole response with a `Content-Length`.
    pub fn new(status: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        Self::head(status, headers, body.len()).send(body)
    }

    /// A JSON response.
    pub fn json(status: &str, body: &str) -> Self {
        Self::new(status, &[("content-type", "application/json")], body)
    }

    /// The head of a response that announces `length` bytes of body.
    pub fn head(status: &str, headers: &[(&str, &str)], length: usize) -> Self {
        let mut head = format!("HTTP/1.1 {status}\r\nconnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !status.starts_with("204") {
            head.push_str(&format!("content-length: {length}\r\n"));
        }
        head.push_str("\r\n");
        Self::default().send(head)
    }

    /// Closes the connection without a byte.
    pub fn hang_up() -> Self {
        Self::default()
    }

    pub fn send(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.push(Step::Send(bytes.as_ref().to_vec()));
        self
    }

    /// Does `next` after this.
    pub fn then(mut self, next: Self) -> Self {
        self.0.extend(next.0);
        self
    }

    pub fn wait(mut self, millis: u64) -> Self {
        self.0.push(Step::Wait(Duration::from_millis(millis)));
        self
    }
}

/// One received request.
#[derive(Clone, Debug)]
pub struct Seen {
    /// `GET /path?query HTTP/1.1`
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} was sent twice");
        value
    }
}

pub struct Server {
    pub url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers the first request with the first reply, and so on; the last reply repeats.
    pub async fn start(replies: impl Into<Vec<Reply>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::on(listener, replies.into())
    }

    pub fn on(listener: TcpListener, replies: Vec<Reply>) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let server = Self {
            url,
            seen: Arc::clone(&seen),
        };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, replies) = (Arc::clone(&seen), replies.clone());
                tokio::spawn(answer(stream, seen, replies));
            }
        });
        server
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

async fn answer(mut stream: TcpStream, seen: Arc<Mutex<Vec<Seen>>>, replies: Vec<Reply>) {
    let Some(request) = read_request(&mut stream).await else {
        return;
    };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request);
        seen.len() - 1
    };
    let Some(reply) = replies.get(number).or(replies.last()) else {
        return;
    };
    for step in &reply.0 {
        match step {
            Step::Send(bytes) => {
                if stream.write_all(bytes).await.is_err() {
                    return;
                }
                let _ = stream.flush().await;
            }
            Step::Wait(time) => tokio::time::sleep(*time).await,
        }
    }
    let _ = stream.shutdown().await;
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.lines();
    let line = lines.next()?.to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(Seen {
        line,
        headers,
        body: bytes[head_end..].to_vec(),
    })
}
