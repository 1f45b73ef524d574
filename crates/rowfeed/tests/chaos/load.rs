//! Starts a thousand runs at once on one client of each service, and drops them at random. Dropped
//! runs are cancelled at the service, and no task or connection remains.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::{
    clients::Clients,
    fault::{Class, Service},
    http::Server,
    schedule::Schedule,
    world::{Row, World},
};

const RUNS: u64 = 1_000;
const ROWS: u64 = 9;
const PATIENCE: Duration = Duration::from_secs(120);

/// The outcome of one run.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Went {
    Read,
    Cancelled,
    /// Dropped while the run was in progress; it may have ended just before.
    GivenUp,
}

async fn one_run(clients: &Clients, service: Service, seed: u64) -> Went {
    let mut random = fastrand::Rng::with_seed(seed);
    let first = Duration::from_millis(random.u64(5..40));
    let starting = clients
        .starting(service, Class::Run, None)
        .poll_interval(first, first * 4);
    let starting = starting.cancel_on_drop();
    match random.u32(0..4) {
        0 => {
            let run = starting.await.unwrap();
            let mut rows = run
                .pages()
                .page_size(4)
                .prefetch(random.usize(0..3))
                .rows::<Row>();
            // Some are dropped in the middle of their rows.
            for n in 0..random.u64(1..=ROWS) {
                assert_eq!(rows.try_next().await.unwrap().unwrap().n, n);
            }
            Went::Read
        }
        1 => {
            starting.start().await.unwrap().cancel().await.unwrap();
            Went::Cancelled
        }
        2 => {
            let running = starting.start().await.unwrap();
            let soon = Duration::from_millis(random.u64(0..30));
            match tokio::time::timeout(soon, running).await {
                Ok(run) => drop(run.unwrap()),
                Err(_) => return Went::GivenUp,
            }
            Went::Read
        }
        // Also before the service has sent the id.
        _ => {
            let soon = Duration::from_millis(random.u64(0..60));
            match tokio::time::timeout(soon, starting.start()).await {
                Ok(running) => drop(running.unwrap()),
                Err(_) => return Went::GivenUp,
            }
            Went::GivenUp
        }
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_randomly_cancelled_runs_leave_no_task_or_connection() {
    for service in Service::ALL {
        let mut schedule = Schedule::draw(0);
        (schedule.service, schedule.class) = (service, Class::Run);
        (schedule.total, schedule.cap, schedule.polls) = (ROWS, u64::MAX, 3);
        schedule.faults.clear();
        let world = Arc::new(Mutex::new(World::new(schedule, "http://elsewhere.test")));
        let server = Server::start(Arc::clone(&world)).await;
        let clients = Clients::patient(Arc::clone(&world), &server.url);
        let clients = Arc::new(clients);
        let tasks_before = tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks();

        let runs = (0..RUNS).map(|seed| {
            let clients = Arc::clone(&clients);
            tokio::spawn(async move { one_run(&clients, service, seed).await })
        });
        let runs: Vec<_> = runs.collect();
        let mut went = Vec::new();
        for run in runs {
            went.push(tokio::time::timeout(PATIENCE, run).await.unwrap().unwrap());
        }
        let count = |how: Went| went.iter().filter(|went| **went == how).count();
        assert!(
            count(Went::GivenUp) > 100 && count(Went::Read) > 100,
            "{service:?}"
        );

        // Every run that the service started was read to its end, was cancelled, or had ended when
        // it was dropped.
        until("a dropped run was not cancelled", || {
            let world = world.lock().unwrap();
            let open = world
                .runs
                .iter()
                .filter(|run| !run.is_cancelled && run.polls_left > 0);
            open.count() == 0
        })
        .await;
        let cancelled = world
            .lock()
            .unwrap()
            .runs
            .iter()
            .filter(|run| run.is_cancelled)
            .count();
        assert!(
            cancelled >= count(Went::Cancelled),
            "{service:?}: {cancelled}"
        );
        assert!(cancelled > 250, "{service:?}: {cancelled}");

        drop(clients);
        until("a connection stays open", || server.open() == 0).await;
        until("a task stays alive", || {
            let alive = tokio::runtime::Handle::current()
                .metrics()
                .num_alive_tasks();
            alive <= tasks_before
        })
        .await;
    }
}
