//! Cursors: stored, resumed, refused.
#![allow(clippy::unwrap_used, missing_docs)]

mod cursors;
mod page_tokens;
mod restarts;
mod resume;
#[path = "../support/mod.rs"]
mod support;
