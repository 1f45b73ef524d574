//! The client against a loopback server that sends scripted bytes.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod api_request;
mod bodies;
mod credentials;
mod enums;
mod errors;
mod fresh;
mod generated;
mod hostile;
mod limits;
mod load;
mod rate;
mod redirects;
mod retries;
mod secrecy;
mod server;
mod setup;
mod shape;
mod usage;
