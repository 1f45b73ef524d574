//! Pages that are kept, over HTTP against the sandbox.
#![allow(clippy::unwrap_used, missing_docs)]

mod hits;
mod limits;
mod support;
