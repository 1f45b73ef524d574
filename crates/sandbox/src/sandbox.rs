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
/// It runs on its own thread. Dropping it closes the port and every connection. Sandboxes share
/// nothing, so every test can have its own.
pub struct Sandbox {
    address: SocketAddr,
    world: Arc<World>,
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox with the default settings on a free port.
    ///
    /// # Errors
    /// Fails if no port can be opened on `127.0.0.1`.
    pub async fn start() -> io::Result<Self> {
        Self::builder().start().await
    }

    /// Starts a sandbox like [`start`](Self::start), without async.
    ///
    /// # Errors
    /// Fails if no port can be opened on `127.0.0.1`.
    pub fn start_blocking() -> io::Result<Self> {
        Self::builder().start_blocking()
    }

    /// Returns a builder for a sandbox with other settings.
    pub fn builder() -> SandboxBuilder {
        SandboxBuilder::default()
    }

    /// Returns the address on which the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base URL of Dune, which ends in `/api`.
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

    /// Returns the base URL of Lightdash.
    pub fn lightdash_url(&self) -> String {
        format!("http://{}{}", self.address, Service::Lightdash.prefix())
    }

    /// Returns the base URL of Yandex Query, which ends in `/api/fq/v1`.
    pub fn yandex_query_url(&self) -> String {
        let prefix = Service::YandexQuery.prefix();
        format!("http://{}{prefix}/api/fq/v1", self.address)
    }

    /// Returns every request so far, in the order in which they were answered.
    pub fn requests(&self) -> Vec<Recorded> {
        self.world.recording.all()
    }

    /// Returns every request since the last call of this method.
    pub fn take_requests(&self) -> Vec<Recorded> {
        self.world.recording.take()
    }

    /// Adds a fault after the existing ones.
    pub fn fault(&self, fault: Fault) {
        self.world.faults.add(fault);
    }

    /// Removes every fault.
    pub fn clear_faults(&self) {
        self.world.faults.clear();
    }

    /// Creates a table that all three services can query. It replaces a table with the same name.
    /// Every column may contain NULL.
    ///
    /// Fails if SQLite refuses the table: it has no columns, two columns have the same name, or a
    /// row has another number of cells.
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
                format!("table {name:?} cannot be created: {error}"),
            )
        })
    }

    /// Sets the result of one exact SQL text at one service. Blanks around the text are ignored.
    /// The text need not be valid SQL.
    ///
    /// Fails if a row does not have one cell per column, or a cell is not JSON.
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
    /// Creates a table whose columns have types of one service: `uint256`, `array(varchar)`,
    /// `List<Struct<'a':Int32>>`, or any other type of the service. It replaces a table with the
    /// same name.
    ///
    /// SQL reads the cells as JSON text. A column that a query selects unchanged keeps its type at
    /// that service, and is text at the others.
    ///
    /// Fails if a row does not fit the columns, a cell is not JSON, or SQLite refuses the table.
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
            .map_err(|error| invalid(format!("table {name:?} cannot be created: {error}")))
    }

    /// Returns the base URL of the IAM service of Yandex Cloud, whose `POST /iam/v1/tokens` issues
    /// tokens.
    pub fn yandex_iam_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the address of the metadata service of a Yandex Cloud machine, without a scheme, as
    /// the environment variable `YC_METADATA_ADDR` takes it.
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
            // that thread already printed its panic
            let _ = thread.join();
        }
    }
}

/// Sets limits and other behavior of a [`Sandbox`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SandboxBuilder {
    options: Options,
    listen: Option<SocketAddr>,
}

impl SandboxBuilder {
    /// Sets the number of polls that a run answers as not ended. Default: 2, the first pending, the
    /// second executing. With 0 every run has ended at the first poll.
    pub fn poll_steps(mut self, steps: u32) -> Self {
        self.options.poll_steps = steps;
        self
    }

    /// Sets the shortest duration of a run, regardless of the number of polls. Default: none.
    pub fn run_time(mut self, time: Duration) -> Self {
        self.options.run_time = Some(time);
        self
    }

    /// Sets how long a SQL text may run before the sandbox interrupts it. Default: 2 seconds.
    /// Maximum: one day.
    pub fn statement_time_limit(mut self, time: Duration) -> Self {
        self.options.statement_time = time.min(Duration::from_secs(86_400));
        self
    }

    /// Sets the memory in bytes that SQLite may use in this process: all sandboxes, and anything
    /// else that uses the same SQLite. A query that needs more fails. Default: no limit. The
    /// program `rowfeed-sandbox` sets one.
    pub fn sqlite_memory_limit(mut self, bytes: usize) -> Self {
        self.options.sqlite_memory = Some(bytes);
        self
    }

    /// Sets the number of rows of the table `trades`. Default: 48, two per day from 2024-05-01 on.
    /// Maximum: 1,000,000.
    pub fn sample_rows(mut self, rows: usize) -> Self {
        self.options.sample_rows = rows.min(1_000_000);
        self
    }

    /// Sets the largest page of every service. Dune reduces a larger `limit` to it; Lightdash and
    /// Yandex Query refuse a larger one. Defaults: 32,000, 2,500 and 1,000.
    pub fn max_page_rows(self, rows: usize) -> Self {
        self.dune_max_page_rows(rows)
            .lightdash_max_page_size(rows)
            .yandex_query_max_page_rows(rows)
    }

    /// Sets the largest number of rows in a page of Dune, whatever `limit` is. Default: 32,000.
    pub fn dune_max_page_rows(mut self, rows: usize) -> Self {
        self.options.dune_max_page_rows = rows.max(1);
        self
    }

    /// Sets the number of cells (rows times columns) above which Dune refuses a page of results
    /// with 402, unless the request sends `ignore_max_credits_per_request`. Default: no limit.
    pub fn dune_max_datapoints_per_request(mut self, cells: usize) -> Self {
        self.options.dune_max_datapoints = Some(cells);
        self
    }

    /// Sets the `pageSize` above which Lightdash answers 422. Default: 2,500.
    pub fn lightdash_max_page_size(mut self, rows: usize) -> Self {
        self.options.lightdash_max_page_size = rows.max(1);
        self
    }

    /// Sets the number of cells (rows times columns) to which Lightdash truncates a file, and a
    /// chart whose request names a limit. The response does not show the truncation. Default:
    /// 100,000.
    pub fn lightdash_csv_cells_limit(mut self, cells: usize) -> Self {
        self.options.lightdash_csv_cells_limit = cells.max(1);
        self
    }

    /// Sets whether Lightdash reports the rows of a repeated query as cached, unless the request
    /// sends `invalidateCache`. Default: no cache.
    pub fn lightdash_cache(mut self, cache: bool) -> Self {
        self.options.lightdash_cache = cache;
        self
    }

    /// Sets the `limit` above which Yandex Query answers 400. Default: 1,000.
    pub fn yandex_query_max_page_rows(mut self, rows: usize) -> Self {
        self.options.yandex_query_max_page_rows = rows.max(1);
        self
    }

    /// Sets the number of rows to which Dune truncates a result. Dune marks a truncated result as
    /// partial.
    pub fn dune_partial_after(mut self, rows: usize) -> Self {
        self.options.dune_partial_after = Some(rows);
        self
    }

    /// Sets the number of rows to which Yandex Query truncates a result set. It marks a truncated
    /// result set as truncated.
    pub fn yandex_query_truncate_after(mut self, rows: usize) -> Self {
        self.options.yandex_query_truncate_after = Some(rows);
        self
    }

    /// Sets how long a result can be read after the start of its run. After that, Dune shows the
    /// state `QUERY_STATE_EXPIRED`, Lightdash answers 404 with `ResultsExpiredError`, and Yandex
    /// Query answers 400 with issue code 1004. Default: no limit.
    pub fn results_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.results_lifetime = Some(lifetime);
        self
    }

    /// Sets the number of requests per minute above which Dune answers 429 with `Retry-After`.
    /// Default: no limit. Dune reports the count in its `RateLimit` headers in either case.
    pub fn dune_requests_per_minute(mut self, requests: u32) -> Self {
        self.options.dune_requests_per_minute = Some(requests.max(1));
        self
    }

    /// Sets the lifetime of the IAM tokens that the sandbox issues. Default: 12 hours.
    pub fn yandex_token_lifetime(mut self, lifetime: Duration) -> Self {
        self.options.yandex_token_lifetime = lifetime;
        self
    }

    /// Sets the address to listen on. Default: a free port of `127.0.0.1`. Anyone who can reach the
    /// address can use the sandbox; its credentials are public.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = Some(address);
        self
    }

    /// Sets whether the sandbox writes one line per request to standard error.
    pub fn log_requests(mut self, log: bool) -> Self {
        self.options.log = log;
        self
    }

    /// Starts the sandbox.
    ///
    /// # Errors
    /// Fails if the address cannot be opened.
    pub async fn start(self) -> io::Result<Sandbox> {
        self.start_blocking()
    }

    /// Starts the sandbox without async.
    ///
    /// # Errors
    /// Fails if the address cannot be opened.
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
            // SQLite's parser recurses deeply on these threads
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
