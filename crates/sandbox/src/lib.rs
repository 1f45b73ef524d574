#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod credentials;
mod dune;
mod example;
mod exchange;
mod fault;
mod ids;
mod instant;
mod json;
mod kept;
mod lightdash;
mod log;
mod memory;
mod options;
mod progress;
mod recording;
mod replay;
mod rows;
mod sample;
mod sandbox;
mod script;
mod server;
mod service;
mod sql;
mod statements;
mod synthetic;
mod table;
mod values;
mod world;
mod yandex_cloud;
mod yandex_query;

pub use credentials::{
    DUNE_API_KEY, DUNE_PARAMETERIZED_QUERY_ID, DUNE_QUERY_ID, LIGHTDASH_PROJECT_UUID,
    LIGHTDASH_SERVICE_TOKEN, LIGHTDASH_TOKEN, LIGHTDASH_VIEWER_TOKEN, YANDEX_IAM_TOKEN,
    YANDEX_IAM_TOKEN_WITHOUT_ROLE, YANDEX_OAUTH_TOKEN, YANDEX_OTHER_IAM_TOKEN, YANDEX_PROJECT,
};
pub use fault::{Fault, FaultTextError};
pub use recording::Recorded;
pub use replay::Conversation;
pub use sandbox::{Sandbox, SandboxBuilder};
pub use script::ScriptedResult;
pub use service::Service;
pub use table::{ColumnType, Value};
