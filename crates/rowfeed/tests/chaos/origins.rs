//! Requests to other origins. A proxy sees every request of the clients, for any host, and responds
//! to all of them itself.

use std::sync::{Arc, Mutex};

use crate::{
    clients::Clients,
    fault::{KINDS, Kind, Service},
    http::{Answers, Reply, Request, Server},
    property::check,
    schedule::{Fault, Schedule, combinations},
    world::{CREDENTIAL, World},
};

/// The origin of the clients. No such host exists; the proxy stands in for it.
const OWN: &str = "http://api.rowfeed.test:8080";

/// Where a service, or somebody who impersonates it, could redirect a client.
const ELSEWHERE: &[&str] = &[
    "http://elsewhere.test",
    "https://api.rowfeed.test:8080",
    "http://api.rowfeed.test",
    "http://api.rowfeed.test:8081",
    "http://api.rowfeed.test.elsewhere.test:8080",
    "http://sub.api.rowfeed.test:8080",
    "http://api.rowfeed.test:8080@elsewhere.test:8080",
    "//elsewhere.test:8080",
    "http:\\\\elsewhere.test:8080",
    "ftp://api.rowfeed.test:8080",
];

/// A request, as the proxy saw it.
#[derive(Debug)]
struct Seen {
    origin: String,
    has_credential: bool,
}

struct Proxy {
    world: Arc<Mutex<World>>,
    seen: Vec<Seen>,
}

impl Answers for Proxy {
    fn answer(&mut self, request: &Request) -> Reply {
        let shown = format!("{request:?}");
        let has_credential = shown.contains(CREDENTIAL);
        // A request to a proxy names the whole URL; CONNECT names host and port.
        let target = request.path.split_once("://");
        let (origin, path) = match target {
            Some((scheme, rest)) => {
                let at = rest.find('/').unwrap_or(rest.len());
                (format!("{scheme}://{}", &rest[..at]), rest[at..].to_owned())
            }
            None => (request.path.clone(), String::new()),
        };
        let is_own = origin == OWN && request.method != "CONNECT";
        self.seen.push(Seen {
            origin,
            has_credential,
        });
        if !is_own {
            return Reply::new(200, "application/json", "{}");
        }
        let request = Request {
            path,
            ..request.clone()
        };
        self.world.lock().unwrap().answer(&request)
    }
}

/// Clients for [`OWN`]. Every request goes through the proxy.
async fn behind_a_proxy() -> (Arc<Mutex<Proxy>>, Server, Clients) {
    let world = World::new(Schedule::draw(0), "");
    let world = Arc::new(Mutex::new(world));
    let proxy = Arc::new(Mutex::new(Proxy {
        world: Arc::clone(&world),
        seen: Vec::new(),
    }));
    let server = Server::start(Arc::clone(&proxy)).await;
    let clients = Clients::behind(&server.url, world, OWN);
    (proxy, server, clients)
}

#[tokio::test]
async fn only_requests_to_the_configured_origin_carry_a_credential() {
    let (proxy, _server, clients) = behind_a_proxy().await;
    // Every request of every class is redirected once, and pages always name another host as the
    // next one.
    let redirected = combinations()
        .into_iter()
        .filter(|(.., kind)| *kind == Kind::RedirectOther);
    let mut checked = 0;
    for (index, (service, class, op, kind)) in redirected.enumerate() {
        for elsewhere in ELSEWHERE {
            let mut schedule = Schedule::draw(index as u64);
            (schedule.service, schedule.class) = (service, class);
            (schedule.total, schedule.page_size, schedule.cap) = (7, 3, 3);
            (schedule.max_rows, schedule.prefetch) = (None, index % 3);
            schedule.stops.clear();
            schedule.is_fresh = false;
            schedule.gap = (u64::MAX, 0);
            schedule.faults = vec![Fault {
                op,
                kind,
                at: 0,
                times: 1,
                carried_out: false,
            }];
            let account = check(&clients, &schedule, elsewhere).await.unwrap();
            assert_eq!(account.met.get(&kind), Some(&1), "{schedule:?}");
            // On a slow machine, another attempt may also time out.
            let redirects = account
                .errors
                .iter()
                .filter(|(kind, _)| kind.contains("Redirect"));
            let refused: u64 = redirects.map(|(_, times)| times).sum();
            assert_eq!(refused, 1, "{elsewhere}: {:?}", account.errors);
            checked += 1;
        }
    }
    let seen = std::mem::take(&mut proxy.lock().unwrap().seen);
    assert!(
        checked > 100 && seen.len() > checked,
        "{checked} {}",
        seen.len()
    );
    assert!(
        seen.iter().all(|seen| seen.has_credential),
        "the proxy does not see everything"
    );
    let others: Vec<_> = seen.iter().filter(|seen| seen.origin != OWN).collect();
    assert!(others.is_empty(), "{others:?}");
}

#[tokio::test]
async fn no_fault_sends_a_credential_elsewhere() {
    let (proxy, _server, clients) = behind_a_proxy().await;
    // Runs all of them if more schedules than usual are requested.
    let step = match std::env::var_os("ROWFEED_CHAOS_SCHEDULES") {
        Some(_) => 1,
        None => 10,
    };
    for seed in (0..combinations().len() as u64).step_by(step) {
        let mut schedule = Schedule::draw(seed);
        // Stalls wait for a time limit, and other tests cover them.
        schedule.faults.retain(|fault| fault.kind != Kind::Stall);
        let elsewhere = ELSEWHERE[seed as usize % ELSEWHERE.len()];
        let checked = check(&clients, &schedule, elsewhere).await;
        assert!(checked.is_ok(), "{:?}\n{schedule:?}", checked.err());
    }
    let seen = std::mem::take(&mut proxy.lock().unwrap().seen);
    assert!(seen.len() > KINDS.len() * Service::ALL.len());
    let mut leaks = seen
        .iter()
        .filter(|seen| seen.origin != OWN && seen.has_credential);
    assert!(leaks.next().is_none());
    assert!(
        seen.iter().all(|seen| seen.origin == OWN),
        "another origin got a request"
    );
}
