//! An HTTP server that can break off a response anywhere.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::AbortHandle,
};

use crate::fault::Kind;

/// Longer than the time limit of an attempt.
const STALL: Duration = Duration::from_millis(900);

/// A received request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.parse().ok()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// A response, and how to send it.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub wire: Option<Kind>,
}

impl Reply {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type.to_owned())],
            body: body.into(),
            wire: None,
        }
    }

    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

/// Responds to requests.
pub trait Answers: Send + 'static {
    fn answer(&mut self, request: &Request) -> Reply;
}

pub struct Server {
    pub url: String,
    /// Counts the open connections: each holds a copy, and two copies are held elsewhere.
    connections: Arc<()>,
    task: AbortHandle,
}

impl Server {
    pub async fn start<A: Answers>(answers: Arc<Mutex<A>>) -> Self {
        // A thousand connections may arrive at once. If the queue of a listener overflows, the
        // system drops one half of a connection, and the other half never learns that it was
        // closed.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(4096).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let connections = Arc::new(());
        let held = Arc::clone(&connections);
        let task = tokio::spawn(async move {
            loop {
                // Possibly out of sockets for a moment.
                let Ok((stream, _)) = listener.accept().await else {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    continue;
                };
                let (answers, held) = (Arc::clone(&answers), Arc::clone(&held));
                tokio::spawn(async move {
                    // An error means that the client has disconnected.
                    drop(serve(stream, &answers).await);
                    drop(held);
                });
            }
        });
        Self {
            url,
            connections,
            task: task.abort_handle(),
        }
    }

    /// The number of open connections.
    pub fn open(&self) -> usize {
        // This struct and the accept loop hold one copy each.
        Arc::strong_count(&self.connections) - 2
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve<A: Answers>(mut stream: TcpStream, answers: &Mutex<A>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    while let Some(request) = read(&mut stream, &mut received).await? {
        let reply = answers.lock().unwrap().answer(&request);
        if !write(&mut stream, reply).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Reads the next request. Bytes after it stay in `received`.
async fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> io::Result<Option<Request>> {
    let end = loop {
        if let Some(end) = received.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(received).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&received[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pairs = |text: &str, by: char| -> Vec<(String, String)> {
        let (name, value) = text.split_once(by).unwrap_or((text, ""));
        vec![(name.to_owned(), value.trim().to_owned())]
    };
    let request = Request {
        method,
        path: path.to_owned(),
        query: query.split('&').flat_map(|pair| pairs(pair, '=')).collect(),
        headers: lines.flat_map(|line| pairs(line, ':')).collect(),
    };
    let length = request.header("content-length");
    let length: usize = length.map_or(0, |text| text.parse().unwrap());
    let whole = end + 4 + length;
    while received.len() < whole {
        if stream.read_buf(received).await? == 0 {
            return Ok(None);
        }
    }
    received.drain(..whole);
    Ok(Some(request))
}

/// Returns whether the connection stays open.
async fn write(stream: &mut TcpStream, reply: Reply) -> io::Result<bool> {
    let Reply {
        status,
        headers,
        body,
        wire,
    } = reply;
    let length = match wire {
        Some(Kind::ShortLength) => body.len() / 2,
        _ => body.len(),
    };
    let is_chunked = matches!(wire, Some(Kind::Chunked | Kind::CutChunks));
    let mut head = format!("HTTP/1.1 {status} X\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if is_chunked {
        head.push_str("transfer-encoding: chunked\r\n");
    } else if status != 204 {
        head.push_str(&format!("content-length: {length}\r\n"));
    }
    head.push_str("\r\n");
    let half = &body[..body.len() / 2];
    match wire {
        Some(Kind::Reset) => return Ok(false),
        Some(Kind::CutHead) => {
            stream.write_all(&head.as_bytes()[..head.len() / 2]).await?;
            return Ok(false);
        }
        Some(Kind::CutBody | Kind::Stall) => {
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(half).await?;
            if wire == Some(Kind::Stall) {
                tokio::time::sleep(STALL).await;
            }
            return Ok(false);
        }
        Some(Kind::Chunked | Kind::CutChunks) => {
            let mut text = head.into_bytes();
            for part in [half, &body[half.len()..]] {
                if !part.is_empty() {
                    text.extend(format!("{:x}\r\n", part.len()).bytes());
                    text.extend(part);
                    text.extend(b"\r\n");
                }
                if wire == Some(Kind::CutChunks) {
                    stream.write_all(&text).await?;
                    return Ok(false);
                }
            }
            text.extend(b"0\r\n\r\n");
            stream.write_all(&text).await?;
        }
        Some(Kind::SlowBody) => {
            stream.write_all(head.as_bytes()).await?;
            for part in body.chunks(body.len() / 4 + 1) {
                tokio::time::sleep(Duration::from_millis(2)).await;
                stream.write_all(part).await?;
            }
        }
        _ => {
            let mut whole = head.into_bytes();
            whole.extend(body);
            stream.write_all(&whole).await?;
        }
    }
    Ok(wire != Some(Kind::ShortLength))
}
