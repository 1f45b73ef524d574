//! The side that plans queries.

use datafusion::{
    common::Result,
    execution::SessionStateBuilder,
    prelude::{SessionConfig, SessionContext},
};
use datafusion_distributed::{
    DistributedExt as _, DistributedGetterExt as _, SessionStateBuilderExt as _, WorkerResolver,
};
use url::Url;

use super::{channels::KeepAliveChannels, codec::ResultCodec, tasks};

/// How many bytes of batches a connection may hold that nobody has asked for yet. DataFusion's 64
/// MiB would fetch thousands of pages for a consumer that stopped, and Dune bills them.
const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// The workers of a cluster. It makes sessions whose queries run on them.
#[derive(Clone, Debug)]
#[must_use]
pub struct Cluster {
    workers: Vec<Url>,
    config: SessionConfig,
    buffer_bytes: usize,
}

impl Cluster {
    /// A cluster of these workers: `http://10.0.0.7:50051`.
    pub fn new(workers: impl IntoIterator<Item = Url>) -> Self {
        Self {
            workers: workers.into_iter().collect(),
            config: SessionConfig::new(),
            buffer_bytes: BUFFER_BYTES,
        }
    }

    /// Sets the configuration of the sessions. Its `target_partitions` is the largest number of row
    /// ranges of a result, which the workers share.
    pub fn config(mut self, config: SessionConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets how many bytes of batches each connection may hold ahead of the consumer; 4 MiB by
    /// default.
    pub fn buffer_bytes(mut self, bytes: usize) -> Self {
        self.buffer_bytes = bytes;
        self
    }

    /// Makes a session. Register tables and [`Services`](crate::Services) as in any other.
    ///
    /// # Errors
    ///
    /// DataFusion refuses the configuration.
    pub fn session(self) -> Result<SessionContext> {
        Ok(SessionContext::new_with_state(self.state()?.build()))
    }

    /// Makes a builder of session states, to add more to it.
    ///
    /// # Errors
    ///
    /// The same as for [`session`](Self::session).
    pub fn state(self) -> Result<SessionStateBuilder> {
        SessionStateBuilder::new()
            .with_config(self.config)
            .with_default_features()
            .with_distributed_planner()
            .with_distributed_worker_resolver(Workers(self.workers))
            .with_distributed_channel_resolver(KeepAliveChannels::default())
            .with_distributed_user_codec(ResultCodec::new())
            .with_distributed_desired_task_count_handler(tasks::desired)
            .with_distributed_scale_up_leaf_node_handler(tasks::scale_up)
            .with_distributed_worker_connection_buffer_budget_bytes(self.buffer_bytes)
    }
}

pub(super) struct Workers(pub(super) Vec<Url>);

impl WorkerResolver for Workers {
    fn get_urls(&self) -> Result<Vec<Url>> {
        // With a single address the engine runs the whole query in the client.
        Ok(match &self.0[..] {
            [only] => vec![only.clone(), only.clone()],
            workers => workers.to_vec(),
        })
    }
}

/// Returns the workers of a session, each once.
pub(super) fn distinct_workers(config: &SessionConfig) -> Result<Vec<Url>> {
    let mut urls = config.get_distributed_worker_resolver()?.get_urls()?;
    urls.sort_unstable();
    urls.dedup();
    Ok(urls)
}
