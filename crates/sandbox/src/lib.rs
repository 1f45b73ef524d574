//! Dune, Lightdash and Yandex Query on localhost, for trying and testing.
//!
//! A [`Sandbox`] serves the three HTTP APIs on one port of `127.0.0.1`, each
//! below its own path prefix: the paths, headers, bodies, states, limits and
//! error bodies of the real services. SQL runs on an embedded SQLite that holds
//! a small invented data set (see [`Sandbox::register_table`] for more), the
//! same for all three.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! let sandbox = rowfeed_sandbox::Sandbox::start_blocking()?;
//! println!("Dune answers at {}", sandbox.dune_url());
//! assert!(sandbox.requests().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! What a client sent is read back with [`Sandbox::requests`]; what can go wrong
//! on the way is switched on with [`Sandbox::fault`]; a result with any column
//! types is set with [`Sandbox::script_result`].

#![forbid(unsafe_code)]

mod credentials;
mod dune;
mod exchange;
mod fault;
mod ids;
mod instant;
mod json;
mod lightdash;
mod options;
mod progress;
mod recording;
mod sample;
mod sandbox;
mod script;
mod server;
mod service;
mod sql;
mod statements;
mod table;
mod world;
mod yandex_query;

pub use credentials::{
    DUNE_API_KEY, DUNE_PARAMETERISED_QUERY_ID, DUNE_QUERY_ID, LIGHTDASH_PROJECT_UUID,
    LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_TOKEN, YANDEX_IAM_TOKEN, YANDEX_IAM_TOKEN_WITHOUT_ROLE,
    YANDEX_PROJECT,
};
pub use fault::Fault;
pub use recording::Recorded;
pub use sandbox::{Sandbox, SandboxBuilder};
pub use script::ScriptedResult;
pub use service::Service;
pub use table::{ColumnType, Value};
