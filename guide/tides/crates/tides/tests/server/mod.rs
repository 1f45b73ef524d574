//! A Tides of one station, over HTTP/1.1.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// The maximum number of readings in a response.
const MOST: usize = 4;

/// Faults of the server.
#[derive(Clone, Copy, PartialEq)]
pub enum Trouble {
    /// Sends the first page again.
    Repeats,
    /// Sends a page without readings that announces more.
    StandsStill,
    /// Sends a page of another snapshot.
    Swaps,
    /// Responds with 503 this many times.
    Unavailable { times: u32 },
}

pub struct Harbour {
    state: Arc<Mutex<State>>,
    url: String,
}

struct State {
    /// The number of readings in each snapshot; the last is the newest.
    snapshots: Vec<usize>,
    requests: Vec<String>,
    trouble: Option<(usize, Trouble)>,
}

impl Harbour {
    pub async fn with(readings: usize) -> Self {
        let state = Arc::new(Mutex::new(State {
            snapshots: vec![readings],
            requests: Vec::new(),
            trouble: None,
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { state, url }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The targets of the requests so far.
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Adds a snapshot with this many more readings.
    pub fn measure_more(&self, readings: usize) {
        let mut state = self.state.lock().unwrap();
        let newest = state.snapshots.last().unwrap() + readings;
        state.snapshots.push(newest);
    }

    /// Starts a fault at the `page`-th request from now.
    pub fn trouble_from_page(&self, page: usize, trouble: Trouble) {
        let mut state = self.state.lock().unwrap();
        let from = state.requests.len() + page;
        state.trouble = Some((from, trouble));
    }
}

async fn serve(mut stream: TcpStream, state: Arc<Mutex<State>>) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while !request.ends_with(b"\r\n\r\n") {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(count) => request.extend_from_slice(&buffer[..count]),
            }
        }
        let head = String::from_utf8(std::mem::take(&mut request)).unwrap();
        let target = head.split(' ').nth(1).unwrap();
        let (status, body) = answer(target, &mut state.lock().unwrap());
        let body = body.to_string();
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status} .\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n{body}"
        );
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

fn answer(target: &str, state: &mut State) -> (u16, Value) {
    let at = state.requests.len();
    state.requests.push(target.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let station = path
        .strip_prefix("/v1/stations/")
        .and_then(|path| path.strip_suffix("/readings"))
        .unwrap();
    if station == "nowhere" {
        return (
            404,
            json!({"problem": "there is no station nowhere", "station": station}),
        );
    }
    let query: HashMap<_, _> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let number = |name| {
        query
            .get(name)
            .map_or(0, |value: &&str| value.parse().unwrap())
    };
    let snapshot = match query.get("snapshot") {
        Some(name) => name[1..].parse().unwrap(),
        None => state.snapshots.len(),
    };
    let (mut after, mut shown) = (number("after"), snapshot);
    let mut most = MOST.min(number("limit"));
    match state.trouble {
        Some((from, Trouble::Unavailable { times })) if at >= from && times > 0 => {
            state.trouble = Some((from, Trouble::Unavailable { times: times - 1 }));
            return (503, json!({"problem": "back soon"}));
        }
        Some((from, Trouble::Repeats)) if at >= from => after = 0,
        Some((from, Trouble::StandsStill)) if at >= from => most = 0,
        Some((from, Trouble::Swaps)) if at >= from => shown += 1,
        _ => {}
    }
    let total = state.snapshots[snapshot - 1];
    let end = total.min(after + most);
    let readings: Vec<_> = (after..end).map(reading).collect();
    (
        200,
        json!({
            "snapshot": format!("s{shown}"),
            "fields": [
                {"name": "at", "type": "instant"},
                {"name": "level", "type": "metres"},
                {"name": "peaks", "type": "[metres]"},
                {"name": "note", "type": "word"},
            ],
            "readings": readings,
            "after": end,
            "more": end < total,
        }),
    )
}

fn reading(number: usize) -> Value {
    let note = (number.is_multiple_of(3) && number > 0).then(|| format!("reading {number}"));
    json!([
        format!("2026-03-01 00:{:02}:00 UTC", number % 60),
        format!("{number}.00000000000000000000000{}", number % 10),
        [0.5, number],
        note,
    ])
}
