use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use crate::fault::Fault;
use crate::options::Options;
use crate::recording::Recorded;
use crate::script::ScriptedResult;
use crate::server::{Services, serve};
use crate::service::Service;
use crate::table::{ColumnType, Value};
use crate::world::World;

/// The three services on one port of this machine.
///
/// It runs on a thread of its own and ends when it is dropped: the port is then
/// closed, and so is every connection. Sandboxes share nothing, so tests can each
/// have one.
pub struct Sandbox {
    address: SocketAddr,
    world: Arc<World>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox with everything at its default, on a free port.
    ///
    /// # Errors
    /// When no port can be opened on `127.0.0.1`.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// [`start`](Self::start) without async.
    ///
    /// # Errors
    /// When no port can be opened on `127.0.0.1`.
    pub fn start_blocking() -> io::Result<Self> {
        Self::builder().start_blocking()
    }

    /// A sandbox with limits and behaviour of your choice.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL of Dune, which ends in `/api`.
    pub fn dune_url(&self) -> String {
        format!("http://{}{}/api", self.address, Service::Dune.prefix())
    }

    /// The base URL of Lightdash.
    pub fn lightdash_url(&self) -> String {
        format!("http://{}{}", self.address, Service::Lightdash.prefix())
    }

    /// The base URL of Yandex Query, which ends in `/api/fq/v1`.
    pub fn yandex_query_url(&self) -> String {
        let prefix = Service::YandexQuery.prefix();
        format!("http://{}{prefix}/api/fq/v1", self.address)
    }

    /// Every request so far, in the order they were answered.
    pub fn requests(&self) -> Vec<Recorded> {
        self.world.recording.all()
    }

    /// Every request since the last call of this.
    pub fn take_requests(&self) -> Vec<Recorded> {
        self.world.recording.take()
    }

    /// Adds a fault behind those that are there.
    pub fn fault(&self, fault: Fault) {
        self.world.faults.add(fault);
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// Makes a table that all three services can query; it takes the place of one
    /// with the same name. Every column may hold NULL.
    ///
    /// # Errors
    /// When SQLite refuses: no columns, two columns of one name, a row of another
    /// width.
    pub fn register_table(
        &self,
        name: &str,
        columns: &[(&str, ColumnType)],
        rows: &[Vec<Value>],
    ) -> io::Result<()> {
        let columns: Vec<(&str, ColumnType, bool)> = columns
            .iter()
            .map(|(name, column_type)| (*name, *column_type, true))
            .collect();
        self.world
            .database
            .register(name, &columns, rows)
            .map_err(|error| {
                io::Error::new(
                    io::ErrorKind::InvalidInput,
                    format!("table {name:?} cannot be made: {error}"),
                )
            })
    }

    /// Lets exactly this SQL text (blanks around it aside) have this result at
    /// this service, whatever it says.
    ///
    /// # Errors
    /// When a row does not have one cell for each column, or a cell is not JSON.
    pub fn script_result(
        &self,
        service: Service,
        sql: &str,
        result: ScriptedResult,
    ) -> io::Result<()> {
        let table = result
            .into_table()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.world.script(service, sql, table);
        Ok(())
    }
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Sandbox")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // a panic of that thread has been printed already
            let _ = thread.join();
        }
    }
}

/// Sets limits and behaviour of a [`Sandbox`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SandboxBuilder {
    options: Options,
    listen: Option<SocketAddr>,
}

impl SandboxBuilder {
    /// How often a run answers "not yet" before it shows its end. Default 2: once
    /// pending, once executing. 0 lets every run be at its end at once.
    pub fn poll_steps(mut self, steps: u32) -> Self {
        self.options.poll_steps = steps;
        self
    }

    /// How many rows the table `trades` has. Default 48. Two of them fall on each
    /// day from 2024-05-01 on.
    pub fn sample_rows(mut self, rows: usize) -> Self {
        self.options.sample_rows = rows.min(1_000_000);
        self
    }

    /// The largest page of every service: Dune cuts a larger `limit` down to it,
    /// Lightdash and Yandex Query refuse one. Defaults 32,000, 2,500 and 1,000.
    pub fn max_page_rows(self, rows: usize) -> Self {
        self.dune_max_page_rows(rows)
            .lightdash_max_page_size(rows)
            .yandex_query_max_page_rows(rows)
    }

    /// The rows that Dune puts in a page at most, whatever `limit` says. Default
    /// 32,000.
    pub fn dune_max_page_rows(mut self, rows: usize) -> Self {
        self.options.dune_max_page_rows = rows.max(1);
        self
    }

    /// The `pageSize` above which Lightdash answers 422. Default 2,500.
    pub fn lightdash_max_page_size(mut self, rows: usize) -> Self {
        self.options.lightdash_max_page_size = rows.max(1);
        self
    }

    /// The `limit` above which Yandex Query answers 400. Default 1,000.
    pub fn yandex_query_max_page_rows(mut self, rows: usize) -> Self {
        self.options.yandex_query_max_page_rows = rows.max(1);
        self
    }

    /// Lets Dune keep this many rows of a result, and call a longer one partial.
    pub fn dune_partial_after(mut self, rows: usize) -> Self {
        self.options.dune_partial_after = Some(rows);
        self
    }

    /// Lets Yandex Query keep this many rows of a result set, and mark a longer
    /// one as truncated.
    pub fn yandex_query_truncate_after(mut self, rows: usize) -> Self {
        self.options.yandex_query_truncate_after = Some(rows);
        self
    }

    /// The address to listen on. Default: a free port of `127.0.0.1`. Anyone who
    /// can reach the address can use the sandbox; its credentials are public.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// Writes one line a request to standard error.
    pub fn log_requests(mut self, log: bool) -> Self {
        self.options.log = log;
        self
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// When the address cannot be opened.
    pub async fn start(self) -> io::Result<Sandbox> {
        self.start_blocking()
    }

    /// Starts the sandbox, without async.
    ///
    /// # Errors
    /// When the address cannot be opened.
    pub fn start_blocking(self) -> io::Result<Sandbox> {
        let listen = self
            .listen
            .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let listener = TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let world = Arc::new(World::new(self.options)?);
        let services = Arc::new(Services::new(Arc::clone(&world), address));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("rowfeed-sandbox".to_owned())
            .spawn(move || {
                if let Err(error) = runtime.block_on(serve(listener, services, stopped)) {
                    eprintln!("rowfeed-sandbox: the listener ended: {error}");
                }
                runtime.shutdown_background();
            })?;
        Ok(Sandbox {
            address,
            world,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}
