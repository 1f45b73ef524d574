#![doc = include_str!("../../docs/distributed.md")]

mod attach;
mod channels;
mod client;
mod codec;
mod profiles;
mod repeat;
mod tasks;
mod worker;

pub use datafusion_distributed;
pub use url::Url;

pub use client::Cluster;
pub use codec::ResultCodec;
pub use profiles::Profiles;
pub use repeat::{WorkerLost, collect};
pub use worker::WorkerServer;
