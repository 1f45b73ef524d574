//! The listener: reads requests, lets faults and services answer, keeps a record.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use crate::dune::Dune;
use crate::exchange::{Answer, Request, segments};
use crate::fault::Kind;
use crate::lightdash::Lightdash;
use crate::recording::{Recorded, shown_header, shown_query};
use crate::service::Service;
use crate::world::World;
use crate::yandex_query::YandexQuery;

mod body;
mod wire;

use body::AnswerBody;
use wire::{ResetSwitch, Wire};

/// The three services over one world.
pub(crate) struct Services {
    world: Arc<World>,
    dune: Dune,
    lightdash: Lightdash,
    yandex_query: YandexQuery,
    origin: String,
}

impl Services {
    pub(crate) fn new(world: Arc<World>, address: SocketAddr) -> Self {
        Self {
            dune: Dune::new(Arc::clone(&world)),
            lightdash: Lightdash::new(Arc::clone(&world)),
            yandex_query: YandexQuery::new(Arc::clone(&world)),
            origin: format!("http://{address}"),
            world,
        }
    }

    fn answer(&self, request: &Request) -> Answer {
        match request.service {
            Some(Service::Dune) => self.dune.answer(request),
            Some(Service::Lightdash) => self.lightdash.answer(request),
            Some(Service::YandexQuery) => self.yandex_query.answer(request),
            None => Answer::text(
                404,
                "no service here: paths start with /dune, /lightdash or /yandex-query\n",
            ),
        }
    }
}

/// Accepts connections until `stop` is dropped or told.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    services: Arc<Services>,
    mut stop: oneshot::Receiver<Infallible>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    // dropped with this function, and every connection with it
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stop => return Ok(()),
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, Arc::clone(&services)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, services: Arc<Services>) {
    // a small answer should not wait for the client's acknowledgement
    let _ = stream.set_nodelay(true);
    let switch = ResetSwitch::default();
    let wire = Wire::new(stream, switch.clone());
    let handler = service_fn(move |request| {
        let (services, switch) = (Arc::clone(&services), switch.clone());
        async move { exchange(services, switch, request).await }
    });
    // an error here is a connection that the client or a fault has ended
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(wire), handler)
        .await;
}

async fn exchange(
    services: Arc<Services>,
    switch: ResetSwitch,
    request: hyper::Request<Incoming>,
) -> Result<Response<AnswerBody>, io::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let path = head.uri.path().to_owned();
    let (service, below) = match Service::of_path(&path) {
        Some((service, below)) => (Some(service), below),
        None => (None, path.as_str()),
    };
    let query = head.uri.query();
    let request = Request {
        service,
        method: head.method.as_str().to_owned(),
        segments: segments(below),
        query: form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        body,
        origin: origin(&head.headers, &services.origin),
        state_forced: Arc::default(),
        full_path: path.clone(),
        headers: head.headers,
    };
    let (delay, fault) = services.world.faults.meeting(&request.target());
    let mut recorded = Recorded {
        service,
        method: request.method.clone(),
        path: path.clone(),
        query: query.map(shown_query),
        headers: shown_headers(&request.headers),
        body: String::from_utf8_lossy(&request.body).into_owned(),
        status: None,
        rows: None,
        faulted: delay.is_some() || fault.is_some(),
    };
    if let Some(delay) = delay {
        tokio::time::sleep(delay).await;
    }
    let state_forced = Arc::clone(&request.state_forced);
    let mut cut = None;
    let answer = match fault {
        Some(Kind::Reset) => {
            record(&services.world, recorded);
            switch.flip();
            return Err(io::Error::other("reset on request"));
        }
        Some(Kind::Answer(answer)) => answer,
        other => {
            let mut answer = carry_out(Arc::clone(&services), request).await?;
            match other {
                Some(Kind::EmptyBody) => {
                    answer.body.clear();
                    answer.rows = None;
                }
                Some(Kind::CutBody(after)) => cut = Some(after),
                _ => {}
            }
            answer
        }
    };
    recorded.status = Some(answer.status);
    recorded.rows = answer.rows;
    recorded.faulted |= state_forced.load(Ordering::Relaxed);
    record(&services.world, recorded);
    response(answer, cut)
}

/// By the client's own word, which holds also where the sandbox listens on every
/// address of a machine.
fn origin(headers: &HeaderMap, listening: &str) -> String {
    match headers.get("host").and_then(|host| host.to_str().ok()) {
        Some(host) if !host.is_empty() => format!("http://{host}"),
        _ => listening.to_owned(),
    }
}

/// SQL runs here, so not on the thread that reads the network.
async fn carry_out(services: Arc<Services>, request: Request) -> io::Result<Answer> {
    tokio::task::spawn_blocking(move || services.answer(&request))
        .await
        .map_err(io::Error::other)
}

fn response(answer: Answer, cut: Option<usize>) -> Result<Response<AnswerBody>, io::Error> {
    let mut response = Response::builder().status(answer.status);
    if let Some(content_type) = answer.content_type {
        response = response.header("content-type", content_type);
    }
    if answer.status != 204 {
        response = response.header("content-length", answer.body.len());
    }
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response
        .body(AnswerBody::new(Bytes::from(answer.body), cut))
        .map_err(io::Error::other)
}

fn shown_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8_lossy(value.as_bytes());
            (name.to_string(), shown_header(name.as_str(), &text))
        })
        .collect()
}

fn record(world: &World, recorded: Recorded) {
    if world.options.log {
        let query = recorded.query.as_deref().unwrap_or_default();
        let mark = if query.is_empty() { "" } else { "?" };
        let status = recorded
            .status
            .map_or_else(|| "reset".to_owned(), |status| status.to_string());
        let rows = recorded
            .rows
            .map_or_else(String::new, |rows| format!(" {rows} rows"));
        eprintln!(
            "{} {}{mark}{query} {status}{rows}",
            recorded.method, recorded.path
        );
    }
    world.recording.push(recorded);
}
