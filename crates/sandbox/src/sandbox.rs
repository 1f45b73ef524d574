use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::fault::Fault;
use crate::options::Options;
use crate::recording::Recorded;
use crate::replay::Conversation;
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

    /// Answers from a recorded conversation, in place of the services that are in it. Faults hold as
    /// for the services themselves; credentials are not checked.
    ///
    /// ```
    /// use rowfeed_sandbox::{Conversation, Sandbox};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let line = r#"{"service": "dune", "method": "POST", "path": "/v1/usage", "status": 200}"#;
    /// let sandbox = Sandbox::builder().start_blocking()?;
    /// sandbox.replay(Conversation::parse(line.as_bytes())?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn replay(&self, conversation: Conversation) {
        self.world.replay.add(conversation);
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
        self.world.register(name, &columns, rows).map_err(|error| {
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

impl Sandbox {
    /// Makes a table whose columns have types of one service: `uint256`,
    /// `array(varchar)`, `List<Struct<'a':Int32>>`, and whatever else the service
    /// has. It takes the place of one with the same name. SQL sees the cells as
    /// JSON text; a column that is selected as it is keeps its type at that
    /// service, and is text at the others.
    ///
    /// # Errors
    /// When a row does not fit the columns, a cell is not JSON, or SQLite refuses.
    pub fn register_typed_table(
        &self,
        service: Service,
        name: &str,
        content: ScriptedResult,
    ) -> io::Result<()> {
        let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidInput, error);
        let table = content
            .into_table()
            .map_err(|error| invalid(error.to_string()))?;
        self.world
            .register_typed(service, name, &table)
            .map_err(|error| invalid(format!("table {name:?} cannot be made: {error}")))
    }

    /// The address of the IAM service of Yandex Cloud, whose `POST /iam/v1/tokens`
    /// hands out tokens.
    pub fn yandex_iam_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address of the metadata service of a Yandex Cloud machine, for the
    /// environment variable `YC_METADATA_ADDR`: without a scheme.
    pub fn yandex_metadata_address(&self) -> String {
        self.address.to_string()
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

    /// How long every run takes at least, however often it is asked about. Default:
    /// no longer than [`poll_steps`](Self::poll_steps) says.
    pub fn run_time(mut self, time: Duration) -> Self {
        self.options.run_time = Some(time);
        self
    }

    /// How long a SQL text may run before it is interrupted and fails. Default 2 seconds, at
    /// most a day.
    pub fn statement_time_limit(mut self, time: Duration) -> Self {
        self.options.statement_time = time.min(Duration::from_secs(86_400));
        self
    }

    /// The bytes that SQLite may take, of all sandboxes in this process together and of whatever
    /// else uses the same SQLite; a query that takes more fails. Default: no limit of this kind.
    /// The program `rowfeed-sandbox` sets one.
    pub fn sqlite_memory_limit(mut self, bytes: usize) -> Self {
        self.options.sqlite_memory = Some(bytes);
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

    /// The cells, rows times columns, beyond which Dune refuses a page of results
    /// with 402, unless the request says `ignore_max_credits_per_request`. Default:
    /// it refuses none.
    pub fn dune_max_datapoints_per_request(mut self, cells: usize) -> Self {
        self.options.dune_max_datapoints = Some(cells);
        self
    }

    /// The `pageSize` above which Lightdash answers 422. Default 2,500.
    pub fn lightdash_max_page_size(mut self, rows: usize) -> Self {
        self.options.lightdash_max_page_size = rows.max(1);
        self
    }

    /// The cells, rows times columns, that Lightdash gives a chart whose limit was
    /// named, and a file; the rest is cut off without a word. Default 100,000.
    pub fn lightdash_csv_cells_limit(mut self, cells: usize) -> Self {
        self.options.lightdash_csv_cells_limit = cells.max(1);
        self
    }

    /// Lets Lightdash say of a query that was run before that its rows come from
    /// the cache, unless the request says `invalidateCache`. Default: no cache.
    pub fn lightdash_cache(mut self, cache: bool) -> Self {
        self.options.lightdash_cache = cache;
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

    /// How long a result can be read after the run was started. Default: as long as
    /// the sandbox lives. Then Dune shows the state `QUERY_STATE_EXPIRED`, Lightdash
    /// answers 404 with `ResultsExpiredError`, and Yandex Query 400 with issue code
    /// 1004.
    pub fn results_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.results_lifetime = Some(lifetime);
        self
    }

    /// Lets Dune answer 429 with `Retry-After` when more requests than this come
    /// within a minute. Default: it counts, says so in its `RateLimit` headers, and
    /// refuses nothing.
    pub fn dune_requests_per_minute(mut self, requests: u32) -> Self {
        self.options.dune_requests_per_minute = Some(requests.max(1));
        self
    }

    /// How long an IAM token is good that the sandbox hands out. Default 12 hours.
    pub fn yandex_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.yandex_token_lifetime = lifetime;
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
            // SQLite's parser goes deep on these threads
            .thread_stack_size(8 * 1024 * 1024)
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
