#![allow(clippy::unwrap_used)]

mod smoke;
