//! Many calls on one client, dropped at random moments, leave nothing behind.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use rowfeed_client::{ExpiringSecret, RateLimit, RefreshingCredential, Secret};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    runtime::{Builder, Handle},
};

use crate::setup::{build, quick, transport};

/// A server with its own thread, which keeps connections open and counts them.
struct Busy {
    url: String,
    open: Arc<AtomicUsize>,
    seen: Arc<AtomicUsize>,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl Busy {
    fn start() -> Self {
        let open = Arc::<AtomicUsize>::default();
        let seen = Arc::<AtomicUsize>::default();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let counts = (Arc::clone(&open), Arc::clone(&seen));
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                // The queue holds all connections. One that exceeds it would stay half open.
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
                let listener = socket.listen(4096).unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                tokio::spawn(async move {
                    while let Ok((stream, _)) = listener.accept().await {
                        let (open, seen) = (Arc::clone(&counts.0), Arc::clone(&counts.1));
                        tokio::spawn(async move {
                            open.fetch_add(1, Ordering::SeqCst);
                            let _ = serve(stream, &seen).await;
                            open.fetch_sub(1, Ordering::SeqCst);
                        });
                    }
                });
                let _ = stopped.await;
            });
        });
        Self {
            url: format!("http://{}", told.recv().unwrap()),
            open,
            seen,
            _stop: stop,
        }
    }

    fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

/// Of three responses one is a page, one a refusal that requests a long wait, one a page in two
/// parts.
async fn serve(mut stream: TcpStream, seen: &AtomicUsize) -> std::io::Result<()> {
    let page = "{\"state\":\"COMPLETED\",\"result\":{\"rows\":[1]}}";
    let mut request = Vec::new();
    loop {
        while !request.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut request).await? == 0 {
                return Ok(());
            }
        }
        request.clear();
        let number = seen.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(number as u64 % 7)).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", page.len());
        match number % 3 {
            0 => stream.write_all(format!("{head}{page}").as_bytes()).await?,
            1 => {
                let limited = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 100\r\n\
                               content-length: 2\r\n\r\n{}";
                stream.write_all(limited.as_bytes()).await?;
            }
            _ => {
                let (first, second) = page.split_at(10);
                stream
                    .write_all(format!("{head}{first}").as_bytes())
                    .await?;
                tokio::time::sleep(Duration::from_millis(5)).await;
                stream.write_all(second.as_bytes()).await?;
            }
        }
    }
}

/// Waits until `number` is at most `most`.
async fn falls_to(most: usize, number: impl Fn() -> usize, what: &str) {
    let begun = Instant::now();
    while number() > most {
        let found = number();
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{found} {what}, wanted {most}"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

const KEPT: usize = 4;

#[tokio::test]
async fn a_thousand_calls_dropped_at_random_leave_no_task_no_socket_and_no_permit() {
    let server = Busy::start();
    let tasks = || Handle::current().metrics().num_alive_tasks();
    assert_eq!(tasks(), 0);
    let credential = RefreshingCredential::new(|| async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let lifetime = Duration::from_millis(300);
        Ok(ExpiringSecret::valid_for(Secret::new("hunter2")?, lifetime))
    });
    let client = build(
        transport(&server.url)
            .credential_provider(Arc::new(credential))
            .rate_limit(RateLimit::per_second(2000).burst(50))
            .retry(quick().max_attempts(3).budget(Some(100)))
            .http(|http| http.no_proxy().pool_max_idle_per_host(KEPT)),
    );
    let mut random = fastrand::Rng::with_seed(11);
    let calls: Vec<_> = (0..1000)
        .map(|_| {
            let client = client.clone();
            let patience = Duration::from_millis(random.u64(0..2000));
            tokio::spawn(async move {
                let call = client.get_page().query_id("1").send();
                tokio::time::timeout(patience, call)
                    .await
                    .is_ok_and(|done| done.is_ok())
            })
        })
        .collect();
    let mut done = 0;
    for call in calls {
        done += usize::from(call.await.unwrap());
    }
    // One response in three requests a wait above every limit.
    assert!(done > 0 && done < 1000, "{done} of 1000 were waited for");
    assert!(server.seen.load(Ordering::SeqCst) > done);

    falls_to(KEPT, || server.open(), "connections").await;
    // A pooled connection has a task.
    falls_to(KEPT + 1, tasks, "tasks").await;

    // Dropped calls left their turns and returned the tokens of their retries. Of three responses
    // one is a refusal that a call would wait for.
    let mut waited_for = 0;
    for _ in 0..3 {
        let begun = Instant::now();
        let call = client.get_page().query_id("1").send();
        match tokio::time::timeout(Duration::from_secs(2), call).await {
            Ok(answered) => {
                answered.unwrap();
                assert!(begun.elapsed() < Duration::from_secs(1));
            }
            Err(_) => waited_for += 1,
        }
    }
    assert_eq!(waited_for, 1, "the budget lets a retry be waited for");

    drop(client);
    falls_to(0, || server.open(), "connections").await;
    falls_to(0, tasks, "tasks").await;
}
