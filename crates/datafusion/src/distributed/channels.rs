//! Connections between machines that notice a peer that hangs.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use datafusion::common::{DataFusionError, Result};
use datafusion_distributed::{ChannelResolver, WorkerChannel, grpc};
use tonic::transport::{Channel, Endpoint};
use url::Url;

/// How often a connection is probed, and how long the answer may take. Without this, a query waits
/// forever for a worker that hangs.
const PROBE_EVERY: Duration = Duration::from_secs(1);
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One connection to each worker, probed while it is in use. A broken one is made anew.
#[derive(Debug, Default)]
pub(super) struct KeepAliveChannels {
    channels: Mutex<HashMap<Url, Channel>>,
}

impl KeepAliveChannels {
    fn channel(&self, url: &Url) -> Result<Channel> {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = channels.get(url) {
            return Ok(channel.clone());
        }
        let endpoint = Endpoint::from_shared(url.to_string());
        let endpoint = endpoint.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let channel = endpoint
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PROBE_EVERY)
            .keep_alive_timeout(PROBE_TIMEOUT)
            .tcp_nodelay(true)
            .connect_lazy();
        channels.insert(url.clone(), channel.clone());
        Ok(channel)
    }
}

#[async_trait]
impl ChannelResolver for KeepAliveChannels {
    async fn get_worker_client_for_url(&self, url: &Url) -> Result<Box<dyn WorkerChannel>> {
        let channel = grpc::BoxCloneSyncChannel::new(self.channel(url)?);
        Ok(grpc::create_worker_client(channel))
    }
}
