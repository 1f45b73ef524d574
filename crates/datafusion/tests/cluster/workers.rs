//! Workers as processes of their own: this test program, started again.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    process::{Child, Command, Stdio},
    time::Duration,
};

use datafusion::prelude::{SessionConfig, SessionContext};
use rowfeed::{RateLimit, Secret, dune, lightdash, yandex_query};
use rowfeed_datafusion::{
    ResultTable,
    distributed::{Cluster, Profiles, Url, WorkerServer},
};
use rowfeed_sandbox::{
    DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Service, YANDEX_IAM_TOKEN,
    YANDEX_PROJECT,
};

use crate::support::{Bench, DAYS, PLACES, TRADES};

pub(crate) const PROFILE: &str = "reader";

/// A worker process. It ends when this is dropped, or when this process ends.
pub(crate) struct WorkerProcess {
    child: Child,
    port: u16,
}

/// How a worker is started.
pub(crate) struct WorkerOptions<'a> {
    /// 0 for any.
    pub(crate) port: u16,
    pub(crate) profile: &'a str,
    /// The sandbox unless set.
    pub(crate) dune_url: Option<String>,
    /// The limit of the key at Dune, in requests a second.
    pub(crate) rate: Option<u32>,
}

impl Default for WorkerOptions<'_> {
    fn default() -> Self {
        Self {
            port: 0,
            profile: PROFILE,
            dune_url: None,
            rate: None,
        }
    }
}

impl WorkerProcess {
    pub(crate) fn start(bench: &Bench) -> Self {
        Self::start_with(bench, WorkerOptions::default())
    }

    pub(crate) fn start_with(bench: &Bench, options: WorkerOptions<'_>) -> Self {
        let dune_url = options.dune_url.unwrap_or_else(|| bench.sandbox.dune_url());
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "workers::worker_process",
                "--ignored",
                "--nocapture",
            ])
            .env("ROWFEED_TEST_DUNE", dune_url)
            .env("ROWFEED_TEST_LIGHTDASH", bench.sandbox.lightdash_url())
            .env("ROWFEED_TEST_YANDEX", bench.sandbox.yandex_query_url())
            .env("ROWFEED_TEST_PROFILE", options.profile)
            .env("ROWFEED_TEST_PORT", options.port.to_string())
            .env("ROWFEED_TEST_RATE", options.rate.unwrap_or(0).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            line.split("listening on ").nth(1)?.trim().parse().ok()
        });
        // The rest of its output would fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            port: port.expect("the worker tells its port"),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for WorkerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "this is a worker, which the other tests start"]
fn worker_process() {
    let Ok(profile) = std::env::var("ROWFEED_TEST_PROFILE") else {
        return;
    };
    let url = |name: &str| std::env::var(format!("ROWFEED_TEST_{name}")).unwrap();
    let key = |text: &str| Secret::new(text).unwrap();
    let rate: u32 = std::env::var("ROWFEED_TEST_RATE").unwrap().parse().unwrap();
    let dune = dune::Client::builder()
        .base_url(url("DUNE"))
        .api_key(key(DUNE_API_KEY))
        .rate_limit((rate > 0).then(|| RateLimit::per_second(rate)));
    let lightdash = lightdash::Client::builder().base_url(url("LIGHTDASH"));
    let lightdash = lightdash.token(key(LIGHTDASH_TOKEN));
    let yandex = yandex_query::Client::builder().base_url(url("YANDEX"));
    let yandex = yandex.iam_token(key(YANDEX_IAM_TOKEN));
    let profiles = Profiles::new()
        .dune(&profile, dune.build().unwrap())
        .lightdash(&profile, lightdash.build().unwrap())
        .yandex_query(&profile, yandex.build().unwrap());
    let port: u16 = std::env::var("ROWFEED_TEST_PORT").unwrap().parse().unwrap();
    // The worker ends with the process that started it, which closes its input.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port))
            .await
            .unwrap();
        println!("listening on {}", listener.local_addr().unwrap().port());
        let worker = WorkerServer::new(profiles).memory_limit(200 * 1024 * 1024);
        worker
            .serve(listener, std::future::pending())
            .await
            .unwrap();
    });
}

pub(crate) fn url(port: u16) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}")).unwrap()
}

pub(crate) fn cluster(ports: impl IntoIterator<Item = u16>, partitions: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(partitions);
    let cluster = Cluster::new(ports.into_iter().map(url)).config(config);
    cluster.session().unwrap()
}

/// Registers the tables `t`, `l` and `y`, ten rows a page.
pub(crate) async fn register(bench: &Bench, ctx: &SessionContext, partitions: usize) {
    for (name, service, sql, place) in [
        ("t", Service::Dune, TRADES, ""),
        ("l", Service::Lightdash, DAYS, LIGHTDASH_PROJECT_UUID),
        ("y", Service::YandexQuery, PLACES, YANDEX_PROJECT),
    ] {
        let run = bench.run(service, sql).await;
        let table = ResultTable::of(&run).page_size(10).partitions(partitions);
        let table = table.profile(PROFILE).place(place).await.unwrap();
        ctx.register_table(name, table.into()).unwrap();
    }
    bench.sandbox.take_requests();
}

/// Waits until no page has been requested for a while. Returns how many were before that.
pub(crate) async fn quiet(bench: &Bench, within: Duration) -> usize {
    tokio::time::sleep(within).await;
    let before = bench.sandbox.requests().len();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(bench.sandbox.requests().len(), before, "requests go on");
    before
}
