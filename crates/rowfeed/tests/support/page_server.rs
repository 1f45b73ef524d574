//! A server of pages that responds as a test says, request by request, and counts the requests in
//! flight. The sandbox cannot do this, because it follows the rules of the services.
#![allow(dead_code, unreachable_pub)]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    ops::Range,
    sync::{Arc, Condvar, Mutex},
    time::{Duration, Instant},
};

use rowfeed::{Secret, dune, lightdash, yandex_query};
use serde_json::{Value, json};

pub const PATIENCE: Duration = Duration::from_secs(10);

/// The parts of a request that tests look at.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: String,
    pub path: String,
    query: Vec<(String, String)>,
}

impl Asked {
    fn read(line: &str) -> Self {
        let mut words = line.split(' ');
        let method = words.next().unwrap().to_owned();
        let target = words.next().unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self {
            method,
            path: path.to_owned(),
            query: pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
        }
    }

    /// A query parameter as sent, percent-encoded.
    pub fn value(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A numeric query parameter; 0 if it is missing.
    pub fn number(&self, name: &str) -> usize {
        self.value(name).map_or(0, |value| value.parse().unwrap())
    }

    pub fn is_page(&self) -> bool {
        self.path.contains("/results") || self.path.contains("/query/")
    }
}

/// Status and JSON body.
pub type Answer = (u16, String);

pub struct PageServer {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
pub struct Counts {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    asked: Vec<Asked>,
    under_way: usize,
    most_under_way: usize,
    is_over: bool,
}

impl Counts {
    /// Waits until this many requests have been in flight at once.
    pub fn wait_for(&self, requests: usize) {
        self.wait_until(|state| state.most_under_way >= requests);
    }

    /// Waits until this many requests have arrived in total.
    pub fn wait_for_asked(&self, requests: usize) {
        self.wait_until(|state| state.asked.len() >= requests);
    }

    fn wait_until(&self, is_so: impl Fn(&State) -> bool) {
        let until = Instant::now() + PATIENCE;
        let mut state = self.state.lock().unwrap();
        while !is_so(&state) && !state.is_over && Instant::now() < until {
            let (next, _) = self.changed.wait_timeout(state, PATIENCE / 100).unwrap();
            state = next;
        }
    }
}

impl PageServer {
    /// Calls `answer` for each request, on a separate thread for each connection, so that it may
    /// block.
    pub fn start(answer: impl Fn(&Asked, &Counts) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let (answer, shared) = (Arc::new(answer), Arc::clone(&counts));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.state.lock().unwrap().is_over {
                    return;
                }
                let (answer, counts) = (Arc::clone(&answer), Arc::clone(&shared));
                // An error means that the client has disconnected.
                std::thread::spawn(move || serve(stream?, answer.as_ref(), &counts));
            }
        });
        Self { address, counts }
    }

    /// The requests so far, in the order of arrival.
    pub fn asked(&self) -> Vec<Asked> {
        self.counts.state.lock().unwrap().asked.clone()
    }

    pub fn take_asked(&self) -> Vec<Asked> {
        let mut state = self.counts.state.lock().unwrap();
        state.most_under_way = state.under_way;
        std::mem::take(&mut state.asked)
    }

    /// The largest number of requests in flight at once.
    pub fn most_under_way(&self) -> usize {
        self.counts.state.lock().unwrap().most_under_way
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn dune(&self) -> dune::Client {
        self.dune_with("key")
    }

    pub fn dune_with(&self, key: &str) -> dune::Client {
        let builder = dune::Client::builder().base_url(self.url());
        builder.api_key(Secret::new(key).unwrap()).build().unwrap()
    }

    pub fn lightdash(&self) -> lightdash::Client {
        self.lightdash_with("token")
    }

    pub fn lightdash_with(&self, token: &str) -> lightdash::Client {
        let builder = lightdash::Client::builder().base_url(self.url());
        builder.token(Secret::new(token).unwrap()).build().unwrap()
    }

    pub fn yandex_query(&self) -> yandex_query::Client {
        self.yandex_query_with("token")
    }

    pub fn yandex_query_with(&self, token: &str) -> yandex_query::Client {
        let builder = yandex_query::Client::builder().base_url(self.url());
        let builder = builder.iam_token(Secret::new(token).unwrap());
        builder.build().unwrap()
    }
}

impl Drop for PageServer {
    fn drop(&mut self) {
        self.counts.state.lock().unwrap().is_over = true;
        self.counts.changed.notify_all();
        // Wakes the accepting thread.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(
    stream: TcpStream,
    answer: &dyn Fn(&Asked, &Counts) -> Answer,
    counts: &Counts,
) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut received = BufReader::new(stream.try_clone()?);
    let mut out = stream;
    while let Some(first) = line(&mut received)? {
        let mut length = 0;
        while let Some(header) = line(&mut received)?.filter(|line| !line.is_empty()) {
            let header = header.to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        std::io::copy(&mut received.by_ref().take(length), &mut std::io::sink())?;
        let asked = Asked::read(&first);
        {
            let mut state = counts.state.lock().unwrap();
            state.asked.push(asked.clone());
            state.under_way += 1;
            state.most_under_way = state.most_under_way.max(state.under_way);
            counts.changed.notify_all();
        }
        let (status, body) = answer(&asked, counts);
        counts.state.lock().unwrap().under_way -= 1;
        let length = body.len();
        let head = "content-type: application/json\r\ncontent-length:";
        let whole = format!("HTTP/1.1 {status} X\r\n{head} {length}\r\n\r\n{body}");
        out.write_all(whole.as_bytes())?;
    }
    Ok(())
}

/// The next line without its line break; `None` at the end.
fn line(received: &mut impl BufRead) -> std::io::Result<Option<String>> {
    received.lines().next().transpose()
}

/// The rows of a result and its announced total.
pub struct Table {
    /// JSON objects for Dune, cells for the other services.
    pub rows: Vec<String>,
    pub columns: Vec<(String, String)>,
}

impl Table {
    /// The numbers from 0 up to `count`, for one of the services.
    pub fn numbers(count: usize, of_dune: bool) -> Self {
        let rows = (0..count).map(|n| match of_dune {
            true => format!(r#"{{"n":{n}}}"#),
            false => format!("[{n}]"),
        });
        let type_name = if of_dune { "bigint" } else { "Int64" };
        Self {
            rows: rows.collect(),
            columns: vec![("n".to_owned(), type_name.to_owned())],
        }
    }

    fn slice(&self, offset: usize, rows: usize) -> (String, usize) {
        let start = offset.min(self.rows.len());
        let end = (start + rows).min(self.rows.len());
        (format!("[{}]", self.rows[start..end].join(",")), end)
    }

    /// A page of a Dune execution with `rows` rows from `offset` on, and this total.
    pub fn dune_page(&self, offset: usize, rows: usize, total: Option<usize>) -> Answer {
        let start = offset.min(self.rows.len());
        let end = (start + rows).min(self.rows.len());
        let next = (end < self.rows.len()).then_some(end);
        self.dune_answer(start..end, next, total)
    }

    /// A page of a Dune execution with exactly these rows.
    pub fn dune_answer(
        &self,
        rows: Range<usize>,
        next: Option<usize>,
        total: Option<usize>,
    ) -> Answer {
        let (text, _) = self.slice(rows.start, rows.len());
        let (names, types): (Vec<_>, Vec<_>) = self.columns.iter().cloned().unzip();
        let mut metadata = json!({ "column_names": names, "column_types": types });
        if let Some(total) = total {
            metadata["total_row_count"] = total.into();
        }
        let mut head = json!({
            "execution_id": "01EXECUTION",
            "is_execution_finished": true,
            "state": "QUERY_STATE_COMPLETED",
            "result": { "metadata": metadata, "rows": "$rows" },
        });
        if let Some(next) = next {
            head["next_offset"] = next.into();
        }
        (200, with_rows(&head, &text))
    }

    /// A page of a Lightdash query.
    pub fn lightdash_page(&self, page: usize, size: usize) -> Answer {
        let (text, end) = self.slice((page - 1) * size, size);
        let columns: serde_json::Map<String, Value> = self
            .columns
            .iter()
            .map(|(name, type_name)| {
                let column = json!({ "reference": name, "type": type_name });
                (name.clone(), column)
            })
            .collect();
        let mut results = json!({
            "status": "ready", "queryUuid": "the-query", "columns": columns, "rows": "$rows",
            "page": page, "pageSize": 0, "totalResults": self.rows.len(),
            "totalPageCount": self.rows.len().div_ceil(size), "pivotDetails": null,
        });
        if end < self.rows.len() {
            results["nextPage"] = (page + 1).into();
        }
        let body = json!({ "status": "ok", "results": results });
        (200, with_rows(&body, &text))
    }

    /// A page of a result set of Yandex Query with `rows` rows from `offset` on.
    pub fn yandex_page(&self, offset: usize, rows: usize) -> Answer {
        let (text, _) = self.slice(offset, rows);
        let columns = self.columns.iter();
        let columns: Vec<Value> = columns
            .map(|(name, type_name)| json!({ "name": name, "type": type_name }))
            .collect();
        let body = json!({ "columns": columns, "rows": "$rows" });
        (200, with_rows(&body, &text))
    }

    /// What Yandex Query reports about the query with this only result set.
    pub fn yandex_query(&self) -> Answer {
        let body = json!({
            "id": "the-query", "name": "", "description": "", "text": "SELECT", "type": "ANALYTICS",
            "status": "COMPLETED", "meta": { "started_at": "", "finished_at": "" },
            "result_sets": [{ "rows_count": self.rows.len(), "truncated": false }],
        });
        (200, body.to_string())
    }
}

/// Inserts the rows as text, because a JSON value would lose digits.
fn with_rows(body: &Value, rows: &str) -> String {
    body.to_string().replace(r#""$rows""#, rows)
}
