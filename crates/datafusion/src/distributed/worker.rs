//! The side that reads and computes.

use std::{future::Future, io, sync::Arc, time::Duration};

use datafusion::{
    common::{DataFusionError, Result},
    execution::runtime_env::RuntimeEnvBuilder,
};
use datafusion_distributed::{
    DistributedExt as _, ExecuteTaskRequest, ProducerHead, TaskKey, Worker, WorkerQueryContext,
};
use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};
use uuid::Uuid;

use super::{channels::KeepAliveChannels, codec::ResultCodec, profiles::Profiles};

/// How often the worker drops plans of queries that have ended.
const TICK: Duration = Duration::from_millis(250);

/// The memory that queries of a worker may use by default, in bytes.
const MEMORY: usize = 1024 * 1024 * 1024;

/// A worker. It reads row ranges with the clients of its [`Profiles`], and runs its part of queries.
#[derive(Debug)]
#[must_use]
pub struct WorkerServer {
    profiles: Profiles,
    memory: usize,
    trusts_network: bool,
}

impl WorkerServer {
    /// A worker with these profiles.
    pub fn new(profiles: Profiles) -> Self {
        Self {
            profiles,
            memory: MEMORY,
            trusts_network: false,
        }
    }

    /// Sets how many bytes the queries of this worker may use together; 1 GiB by default. Sorts and
    /// aggregations beyond it spill to disk, and others fail.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = bytes;
        self
    }

    /// Allows addresses other than those of this machine. The protocol has no TLS and no
    /// authentication: whoever reaches the port can read every result that the profiles can. Use it
    /// in a private network, or behind a proxy that authenticates.
    pub fn trust_network(mut self) -> Self {
        self.trusts_network = true;
        self
    }

    /// Serves until `shutdown` is ready.
    ///
    /// # Errors
    ///
    /// The listener has an address of the network without
    /// [`trust_network`](Self::trust_network), or it fails.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<()> {
        let address = listener.local_addr()?;
        if !address.ip().is_loopback() && !self.trusts_network {
            let message = format!(
                "a worker on {address} can be reached from the network, and has no TLS and no \
                 authentication: listen on 127.0.0.1, or call trust_network()"
            );
            let error = io::Error::new(io::ErrorKind::InvalidInput, message);
            return Err(DataFusionError::IoError(error));
        }
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(self.memory, 1.0);
        let codec = ResultCodec::with_profiles(self.profiles);
        let channels = Arc::new(KeepAliveChannels::default()) as Arc<Resolver>;
        let worker = Worker::from_session_builder(move |ctx: WorkerQueryContext| {
            let (codec, channels) = (codec.clone(), Arc::clone(&channels));
            async move {
                let builder = ctx.builder.with_distributed_user_codec(codec);
                Ok(builder.with_distributed_channel_resolver(channels).build())
            }
        });
        let worker = worker.with_runtime_env(runtime.build_arc()?);
        let serving = Server::builder()
            .add_service(worker.clone().into_worker_server())
            .serve_with_incoming_shutdown(TcpIncoming::from(listener), shutdown);
        tokio::select! {
            served = serving => served.map_err(|error| DataFusionError::External(Box::new(error))),
            () = drop_ended_plans(worker) => Ok(()),
        }
    }
}

type Resolver = dyn datafusion_distributed::ChannelResolver + Send + Sync;

/// A plan with a shuffle is dropped only when the worker's cache does its housekeeping, and an idle
/// worker never does any: a query that was dropped would read to the end. Any request makes it do
/// so, also one for a task that does not exist.
async fn drop_ended_plans(worker: Worker) {
    loop {
        tokio::time::sleep(TICK).await;
        let request = ExecuteTaskRequest {
            task_key: TaskKey {
                query_id: Uuid::nil(),
                stage_id: 0,
                task_number: 0,
            },
            target_partition_start: 0,
            target_partition_end: 0,
            producer_head: ProducerHead::None,
        };
        // It would wait for a plan that never comes.
        let _ = tokio::time::timeout(Duration::from_millis(1), worker.execute_task(request)).await;
    }
}
