//! Snapshots of the sandbox's results: written, interrupted at every point, and read back.
#![allow(clippy::unwrap_used, missing_docs)]

mod faults;
mod refusals;
mod results;
mod support;
