//! What a browser or another WebAssembly host has in another way than an operating system: timers,
//! tasks, bodies, and what may go from one thread to another.
//!
//! Service crates and the facade use these names in place of tokio's, and so compile for both. On
//! `wasm32-unknown-unknown` time and tasks come from the host's event loop, which waits for 24.8 days
//! at most; elsewhere all of this is tokio's, under its own names.

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
mod native;
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
use native as here;
#[cfg(all(
    feature = "rustls",
    not(feature = "native-tls"),
    not(all(target_family = "wasm", target_os = "unknown"))
))]
mod shared_tls;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
mod web;
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
use web as here;

pub(crate) use here::{Body, LONGEST_WAIT, chunks, configure, is_connect, send, with_shared_tls};
pub use here::{
    Instant, Runtime, Sleep, Task, now, sleep, spawn, spawn_to_end, timeout, timeout_at,
};

/// There is nothing here that a task could run on: outside a tokio runtime.
#[derive(Clone, Copy, Debug)]
pub struct NoRuntime;

/// A task ended before its work did: its runtime was shut down.
#[derive(Clone, Copy, Debug)]
pub struct ShutDown;
