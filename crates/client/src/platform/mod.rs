//! Timers, tasks, bodies and thread safety, which differ between an operating system and a
//! WebAssembly host such as a browser.
//!
//! Service crates and the facade use these names in place of tokio's, and so compile for both. On
//! `wasm32-unknown-unknown` the host's event loop provides time and tasks, and waits at most 24.8
//! days. Elsewhere all of these items are tokio's, under its own names.

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

/// The error outside a tokio runtime, where no task can run.
#[derive(Clone, Copy, Debug)]
pub struct NoRuntime;

/// The error of a task that ended early because its runtime was shut down.
#[derive(Clone, Copy, Debug)]
pub struct ShutDown;
