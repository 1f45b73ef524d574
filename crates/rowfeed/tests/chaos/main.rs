//! Chaos tests: schedules of faults drawn from seeds, against servers that are written from the
//! services' known behavior. One property holds in all of them; see [`property`].
//!
//! `ROWFEED_CHAOS_SCHEDULES=10000 cargo test -p rowfeed --test chaos` runs that many schedules.
//! `ROWFEED_CHAOS_SEED=1234 cargo test -p rowfeed --test chaos` repeats one schedule. With both
//! variables, it runs that many schedules from that seed on.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod clients;
mod csv;
mod dune;
mod fault;
mod gzip;
mod http;
mod items;
mod lightdash;
mod load;
mod origins;
mod property;
mod schedule;
mod world;
mod yandex_query;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::task::{JoinError, JoinHandle};

use clients::Clients;
use fault::{KINDS, Kind, Service};
use http::{Answers, Reply, Request, Server};
use property::{Account, check, name};
use schedule::{Schedule, combinations};
use world::World;

/// Returns an error with a text unless a condition holds.
#[macro_export]
macro_rules! ensure {
    ($holds:expr, $($text:tt)*) => {
        if !$holds {
            return Err(format!($($text)*));
        }
    };
}

/// The number of schedules in a default run.
const SCHEDULES: u64 = 3_300;
/// How many schedules run at once. They mostly wait.
const AT_ONCE: usize = 12;
/// A schedule hangs when it sends no request for this long. No wait of a client is longer than a
/// few seconds, and a busy machine still sends requests.
const HANGS_AFTER: Duration = Duration::from_secs(120);
/// A schedule is endless after this many requests. It has fewer than fifty pages, and faults end
/// after a dozen errors.
const ENDLESS: u64 = 5_000;

/// The origin that must get no request.
#[derive(Default)]
struct Other(u64);

impl Answers for Other {
    fn answer(&mut self, _request: &Request) -> Reply {
        self.0 += 1;
        Reply::new(200, "application/json", "{}")
    }
}

/// Waits for a schedule as long as it sends requests, up to the limit.
async fn until_hung<T>(
    mut checked: JoinHandle<T>,
    world: &Mutex<World>,
) -> Result<Result<T, JoinError>, String> {
    let mut before = 0;
    let mut quiet_since = Instant::now();
    loop {
        if let Ok(checked) = tokio::time::timeout(HANGS_AFTER / 60, &mut checked).await {
            return Ok(checked);
        }
        let requests = world.lock().unwrap().requests;
        if requests != before {
            (before, quiet_since) = (requests, Instant::now());
        }
        let flaw = if requests > ENDLESS {
            format!("not finished after {requests} requests")
        } else if quiet_since.elapsed() > HANGS_AFTER {
            format!("no request for {HANGS_AFTER:?}, after {requests}")
        } else {
            continue;
        };
        checked.abort();
        return Err(flaw);
    }
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is {text:?}, which is not a number")),
    )
}

#[derive(Default)]
struct Total {
    schedules: u64,
    errors: BTreeMap<String, u64>,
    met: BTreeMap<Kind, u64>,
    failures: Vec<String>,
}

impl Total {
    fn add(&mut self, account: Account) {
        self.schedules += 1;
        for (kind, times) in account.errors {
            *self.errors.entry(kind).or_default() += times;
        }
        for (kind, times) in account.met {
            *self.met.entry(kind).or_default() += times;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_are_exact_or_an_error_can_be_resumed() {
    let seed = number_from("ROWFEED_CHAOS_SEED");
    let first = seed.unwrap_or(0);
    let count = number_from("ROWFEED_CHAOS_SCHEDULES");
    let count = count.unwrap_or(if seed.is_some() { 1 } else { SCHEDULES });
    let other = Arc::new(Mutex::new(Other::default()));
    let other_server = Server::start(Arc::clone(&other)).await;
    let next = Arc::new(AtomicU64::new(first));
    let total = Arc::new(Mutex::new(Total::default()));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_ONCE {
        let (next, total) = (Arc::clone(&next), Arc::clone(&total));
        let other = other_server.url.clone();
        workers.spawn(async move {
            let idle = World::new(Schedule::draw(0), &other);
            let clients = Arc::new(Clients::start(idle).await);
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= first + count || total.lock().unwrap().failures.len() >= 3 {
                    return;
                }
                let schedule = Schedule::draw(seed);
                let world = Arc::clone(&clients.world);
                // A separate task catches panics.
                let (clients, drawn, other) =
                    (Arc::clone(&clients), schedule.clone(), other.clone());
                let checked = tokio::spawn(async move { check(&clients, &drawn, &other).await });
                let flaw = match until_hung(checked, &world).await {
                    Ok(Ok(Ok(account))) => {
                        total.lock().unwrap().add(account);
                        continue;
                    }
                    Ok(Ok(Err(flaw))) => flaw,
                    Ok(Err(_)) => "a panic, shown above".to_owned(),
                    Err(flaw) => flaw,
                };
                let failure = format!(
                    "{flaw}\n  in {schedule:?}\n  again: ROWFEED_CHAOS_SEED={seed} \
                     cargo test -p rowfeed --test chaos"
                );
                total.lock().unwrap().failures.push(failure);
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    let total = total.lock().unwrap();
    println!(
        "{} schedules; resumed after errors: {:#?}",
        total.schedules, total.errors
    );
    println!("faults met: {:#?}", total.met);
    println!("{} combinations", combinations().len());
    assert!(total.failures.is_empty(), "{}", total.failures.join("\n\n"));
    assert_eq!(other.lock().unwrap().0, 0, "another origin got a request");
    if count >= 2 * combinations().len() as u64 {
        let missed: Vec<_> = KINDS
            .iter()
            .filter(|kind| !total.met.contains_key(kind))
            .collect();
        assert!(missed.is_empty(), "these faults never happened: {missed:?}");
    }
}

#[test]
fn every_request_of_every_service_has_many_kinds_of_faults() {
    let all = combinations();
    for service in Service::ALL {
        for class in service.classes() {
            for op in class.ops(service) {
                let here = all
                    .iter()
                    .filter(|(s, c, o, _)| (s, c, o) == (&service, class, op));
                let kinds: BTreeSet<Kind> = here.map(|(_, _, _, kind)| *kind).collect();
                let shown = format!("{} {class:?} {op:?}: {}", name(service), kinds.len());
                assert!(kinds.len() >= 20, "{shown}");
            }
        }
    }
    // The default run has each of them more than once.
    assert!(SCHEDULES >= 2 * all.len() as u64, "{}", all.len());
}

#[test]
fn a_seed_draws_the_same_schedule_every_time() {
    for seed in [0, 1, 77, 12_345, u64::MAX] {
        let (one, again) = (Schedule::draw(seed), Schedule::draw(seed));
        assert_eq!(format!("{one:?}"), format!("{again:?}"));
    }
}
