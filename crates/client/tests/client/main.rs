//! The client against a loopback server that sends scripted bytes.

#![allow(clippy::unwrap_used, unreachable_pub)]

mod bodies;
mod errors;
mod generated;
mod redirects;
mod retries;
mod secrecy;
mod server;
mod shape;
