//! The listener: reads requests, applies faults, calls the services, and records requests.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;

use crate::dune::Dune;
use crate::exchange::{Answer, Request, segments};
use crate::fault::{Fault, Hits, Instead};
use crate::lightdash::Lightdash;
use crate::recording::{REPLACED, Recorded, shown_header, shown_query};
use crate::service::Service;
use crate::world::World;
use crate::yandex_cloud::{self, YANDEX_IAM_PATH};
use crate::yandex_query::YandexQuery;

mod body;
mod control;
mod intake;
mod page;
mod sending;
mod wire;

use body::AnswerBody;
use intake::{Intake, Refused};
use sending::Sending;
use wire::{ResetSwitch, Wire};

/// The request header that adds a fault to the request.
const FAULT_HEADER: &str = "x-sandbox-fault";

/// The number of requests of one service that run at the same time; others wait.
const AT_ONCE: usize = 64;

/// The largest page in bytes that is kept for [`Fault::repeat_page`].
const MAX_REPEATED: usize = 2 * 1024 * 1024;

/// The pause after a failure to accept a connection, for example when too many are open.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);

/// The three services over one world.
pub(crate) struct Services {
    world: Arc<World>,
    dune: Dune,
    lightdash: Lightdash,
    yandex_query: YandexQuery,
    origin: String,
    intake: Intake,
    /// One for each service, and one for all other paths.
    turns: [Arc<Semaphore>; 4],
    sending: [Sending; 4],
}

impl Services {
    pub(crate) fn new(world: Arc<World>, address: SocketAddr) -> Self {
        Self {
            dune: Dune::new(Arc::clone(&world)),
            lightdash: Lightdash::new(Arc::clone(&world)),
            yandex_query: YandexQuery::new(Arc::clone(&world)),
            origin: format!("http://{address}"),
            intake: Intake::new(),
            turns: std::array::from_fn(|_| Arc::new(Semaphore::new(AT_ONCE))),
            sending: std::array::from_fn(|_| Sending::new()),
            world,
        }
    }

    fn turn(&self, service: Option<Service>) -> Arc<Semaphore> {
        Arc::clone(of(service, &self.turns))
    }

    /// Waits until there is room to send the response, and releases the memory that was held while
    /// it was built.
    async fn send(
        &self,
        service: Option<Service>,
        mut answer: Answer,
        hits: &Hits,
    ) -> Result<Response<AnswerBody>, io::Error> {
        answer.body = of(service, &self.sending).place(answer.body).await;
        answer.while_made.release();
        sending::response(answer, hits)
    }

    fn answer(&self, request: &Request) -> Answer {
        match request.service {
            Some(Service::Dune) => self.dune.answer(request),
            Some(Service::Lightdash) => self.lightdash.answer(request),
            Some(Service::YandexQuery) => self.yandex_query.answer(request),
            None if yandex_cloud::is_here(request) => yandex_cloud::answer(&self.world, request),
            None => Answer::text(
                404,
                "no service here: paths start with /dune, /lightdash, /yandex-query, /iam/v1/tokens \
                 or /computeMetadata\n",
            ),
        }
    }
}

/// Returns the element of a service; the last element is for paths of no service.
const fn of<T>(service: Option<Service>, all: &[T; 4]) -> &T {
    let [dune, lightdash, yandex_query, rest] = all;
    match service {
        Some(Service::Dune) => dune,
        Some(Service::Lightdash) => lightdash,
        Some(Service::YandexQuery) => yandex_query,
        None => rest,
    }
}

/// Accepts connections until `stop` is dropped.
pub(crate) async fn serve(
    listener: std::net::TcpListener,
    services: Arc<Services>,
    mut stop: oneshot::Receiver<Infallible>,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    // dropping the set closes every connection
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stop => return Ok(()),
            accepted = listener.accept() => {
                match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(stream, Arc::clone(&services)));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_AGAIN).await,
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, services: Arc<Services>) {
    // small responses must not wait for the client's acknowledgment
    let _ = stream.set_nodelay(true);
    let switch = ResetSwitch::default();
    let wire = Wire::new(stream, switch.clone());
    let handler = service_fn(move |request| {
        let (services, switch) = (Arc::clone(&services), switch.clone());
        async move { exchange(services, switch, request).await }
    });
    // an error means that the client or a fault ended the connection
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
    let path = head.uri.path().to_owned();
    let (service, below) = match Service::of_path(&path) {
        Some((service, below)) => (Some(service), below),
        None => (without_prefix(&head), path.as_str()),
    };
    let query = head.uri.query();
    let most = intake::most(service, &path, query.unwrap_or_default(), &head.headers);
    // the permit reserves room for a large body until the response is ready
    let (body, _permit, refusal) = match services.intake.take(body, most).await {
        Ok(taken) => (taken.body, taken.permit, None),
        Err(Refused::TooLarge(most)) => {
            let refusal = intake::too_large(service, most);
            (Bytes::new(), None, Some(refusal))
        }
        Err(Refused::Broken) => return Err(io::Error::other("the body ended early")),
    };
    let request = Arc::new(Request {
        service,
        method: head.method.as_str().to_owned(),
        segments: segments(below),
        query: form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .into_owned()
            .collect(),
        body,
        origin: origin(&head.headers, &services.origin),
        own_faults: Arc::default(),
        changed: Arc::default(),
        full_path: path.clone(),
        headers: head.headers,
    });
    if control::is_control(&request) {
        let answer = refusal.unwrap_or_else(|| control::answer(&services.world, &request));
        return services.send(None, answer, &Hits::default()).await;
    }
    let mut hits = Hits::default();
    match own_faults(&request) {
        Ok(()) => request.own_faults.meet(&request.target(), &mut hits),
        Err(message) => {
            let answer = Answer::text(400, &format!("{FAULT_HEADER}: {message}\n"));
            hits.instead = Some(Instead::Answer(answer));
        }
    }
    services.world.faults.meet(&request.target(), &mut hits);
    let mut recorded = Recorded {
        service,
        method: request.method.clone(),
        path,
        query: query.map(shown_query),
        headers: shown_headers(&request.headers),
        body: shown_body(&request),
        status: None,
        rows: None,
        faulted: hits.is_any(),
    };
    if let Some(delay) = hits.delay {
        tokio::time::sleep(delay).await;
    }
    let answer = match hits.instead.take() {
        Some(Instead::Reset) => {
            record(&services.world, recorded);
            switch.flip();
            return Err(io::Error::other("reset on request"));
        }
        Some(Instead::Answer(answer)) => answer,
        None => {
            let replayed = || services.world.replay.answer(&request, query);
            let answer = match refusal.or_else(replayed) {
                Some(answer) => answer,
                None => carry_out(Arc::clone(&services), Arc::clone(&request)).await?,
            };
            let answer = repeated(&services.world, &request, answer);
            sending::altered(answer, &hits)
        }
    };
    recorded.status = Some(answer.status);
    recorded.rows = answer.rows;
    recorded.faulted |= request.changed.load(Ordering::Relaxed);
    record(&services.world, recorded);
    services.send(service, answer, &hits).await
}

/// Returns the service of a path without a prefix, based on the credential. Some clients do not
/// accept a path in their base URL.
fn without_prefix(head: &hyper::http::request::Parts) -> Option<Service> {
    let path = head.uri.path();
    if path.starts_with("/api/fq/v1/") || path.starts_with("/resources/v1/") {
        Some(Service::YandexQuery)
    } else if !path.starts_with("/api/") {
        None
    } else if head.headers.contains_key("x-dune-api-key") {
        Some(Service::Dune)
    } else if head.headers.contains_key("authorization") {
        Some(Service::Lightdash)
    } else {
        None
    }
}

/// Reads the faults in the headers of a request.
fn own_faults(request: &Request) -> Result<(), String> {
    for value in request.headers.get_all(FAULT_HEADER) {
        let text = value.to_str().map_err(|error| error.to_string())?;
        let fault: Fault = text.parse().map_err(|error| format!("{error}"))?;
        request.own_faults.add(fault);
    }
    Ok(())
}

/// Returns the previous page of the service if a fault requests it. Stores this page otherwise.
fn repeated(world: &World, request: &Request, answer: Answer) -> Answer {
    let (Some(service), Some(_)) = (request.service, answer.rows) else {
        return answer;
    };
    let mut pages = world
        .last_pages
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if let Some(last) = pages.get(&service) {
        let target = request.target();
        if request.own_faults.repeats(&target) || world.faults.repeats(&target) {
            request.changed.store(true, Ordering::Relaxed);
            return last.clone();
        }
    }
    if answer.body.len() <= MAX_REPEATED {
        pages.insert(service, answer.clone());
    }
    answer
}

/// Returns the origin from the `Host` header, which is also right if the sandbox listens on all
/// addresses of a machine.
fn origin(headers: &HeaderMap, listening: &str) -> String {
    match headers.get("host").and_then(|host| host.to_str().ok()) {
        Some(host) if !host.is_empty() => format!("http://{host}"),
        _ => listening.to_owned(),
    }
}

/// Runs the request on a blocking thread, because it may run SQL.
async fn carry_out(services: Arc<Services>, request: Arc<Request>) -> io::Result<Answer> {
    let turn = services.turn(request.service).acquire_owned().await;
    let done = tokio::task::spawn_blocking(move || {
        let answer = services.answer(&request);
        drop(turn);
        answer
    });
    match done.await {
        Err(error) if error.is_panic() => Ok(Answer::text(
            500,
            "the sandbox panicked; its standard error says where. Please report this as a bug\n",
        )),
        done => done.map_err(io::Error::other),
    }
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

/// Replaces bodies that are credentials.
fn shown_body(request: &Request) -> String {
    if request.full_path == YANDEX_IAM_PATH {
        REPLACED.to_owned()
    } else {
        String::from_utf8_lossy(&request.body).into_owned()
    }
}

fn record(world: &World, recorded: Recorded) {
    if let Some(log) = &world.log {
        let query = recorded.query.as_deref().unwrap_or_default();
        let mark = if query.is_empty() { "" } else { "?" };
        let status = recorded
            .status
            .map_or_else(|| "reset".to_owned(), |status| status.to_string());
        let rows = recorded
            .rows
            .map_or_else(String::new, |rows| format!(" {rows} rows"));
        log.line(format!(
            "{} {}{mark}{query} {status}{rows}",
            recorded.method, recorded.path
        ));
    }
    world.recording.push(recorded);
}
