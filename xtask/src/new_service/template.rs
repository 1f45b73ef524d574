//! The texts of the files.

use std::path::Path;

use heck::ToShoutySnakeCase as _;
use serde_json::Value;
use toml_edit::{Array, DocumentMut, value};

use super::Plan;
use crate::{document::METHODS, normalize, text};

/// Returns `upstream.toml` with every operation of the document, from which the maintainer removes
/// unused ones.
pub(super) fn pin(from: &Path, upstream: &Value) -> String {
    let mut pin = DocumentMut::new();
    let file = from
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let license = upstream
        .pointer("/info/license/name")
        .and_then(Value::as_str);
    pin["source"] = value(file.unwrap_or_default());
    pin["version"] = value("");
    pin["date"] = value("");
    pin["sha256"] = value("");
    pin["license"] = value(license.unwrap_or("unknown"));
    let mut operations = Array::new();
    let paths = upstream.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS.iter().filter(|method| item.get(**method).is_some()) {
            let mut entry = toml_edit::Value::from(format!("{method} {path}"));
            entry.decor_mut().set_prefix("\n  ");
            operations.push_formatted(entry);
        }
    }
    operations.set_trailing("\n");
    operations.set_trailing_comma(true);
    pin["operations"] = value(operations);
    format!(
        "# The origin of openapi.json. `cargo xtask vendor` writes version, date and sha256. \
         Remove the\n# operations that nobody needs.\n{pin}"
    )
}

/// Returns the files of the crate, by their path in it.
pub(super) fn crate_files(plan: &Plan) -> [(&'static str, String); 4] {
    [
        ("Cargo.toml", manifest(plan)),
        ("README.md", readme(plan)),
        ("src/lib.rs", library(plan)),
        ("src/config.rs", config(plan)),
    ]
}

fn crate_name(plan: &Plan) -> String {
    plan.package.replace('-', "_")
}

fn manifest(plan: &Plan) -> String {
    let Plan {
        package, client, ..
    } = plan;
    let description = format!("Typed client for {}.", plan.title.replace(['"', '\\'], "'"));
    let (inherited, dependency): (&str, fn(&str, &str) -> String) = if plan.is_member {
        (
            "version.workspace = true\nedition.workspace = true\nrust-version.workspace = true\n\
             license.workspace = true\n\n[lints]\nworkspace = true\n",
            |name, _| format!("{name}.workspace = true\n"),
        )
    } else {
        (
            "version = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"1.88\"\npublish = false\n\n\
             # A workspace of its own.\n[workspace]\n",
            |name, version| format!("{name} = {version}\n"),
        )
    };
    let mut dependencies = dependency("indexmap", "{ version = \"2.12\", features = [\"serde\"] }");
    if plan.has_patterns {
        dependencies.push_str(&dependency("regress", "\"0.12\""));
    }
    dependencies.push_str(&dependency(
        "reqwest",
        "{ version = \"0.13.5\", default-features = false, features = [\"json\", \"query\", \"stream\"] }",
    ));
    dependencies.push_str(&if plan.is_member {
        "rowfeed-client.workspace = true\n".to_owned()
    } else {
        format!("rowfeed-client = {{ path = {client:?}, default-features = false }}\n")
    });
    dependencies.push_str(if plan.is_member {
        "schemars = { workspace = true, optional = true, features = [\"indexmap2\"] }\n"
    } else {
        "schemars = { version = \"0.8.22\", optional = true, features = [\"indexmap2\"] }\n"
    });
    dependencies.push_str(&dependency(
        "serde",
        "{ version = \"1.0.228\", features = [\"derive\"] }",
    ));
    dependencies.push_str(&dependency("serde_json", "\"1.0.145\""));
    format!(
        "[package]\nname = \"{package}\"\ndescription = \"{description}\"\n{inherited}\n\
         [dependencies]\n{dependencies}\n[features]\ndefault = [\"rustls\", \"gzip\"]\n\
         # TLS with rustls. Without it or `native-tls`, the client supports only plain HTTP.\n\
         rustls = [\"rowfeed-client/rustls\"]\n\
         # TLS with the library of the operating system.\n\
         native-tls = [\"rowfeed-client/native-tls\"]\n\
         # Accept and decompress gzip bodies.\n\
         gzip = [\"rowfeed-client/gzip\"]\n\
         # `JsonSchema` on the public types.\n\
         schemars = [\"dep:schemars\", \"rowfeed-client/schemars\"]\n"
    )
}

fn readme(plan: &Plan) -> String {
    let name = crate_name(plan);
    let variable = format!("{}_TOKEN", plan.name.to_shouty_snake_case());
    let base_url = match plan.base_url {
        Some(_) => "",
        None => "\n        .base_url(\"https://service.example\")",
    };
    format!(
        "# {package}\n\nA typed client for {title}, generated from its OpenAPI document.\n\n\
         ```rust,no_run\nuse {name}::{{Client, Secret}};\n\n\
         # fn main() -> Result<(), Box<dyn std::error::Error>> {{\n\
         let token = Secret::new(std::env::var(\"{variable}\")?)?;\n\
         let client = Client::builder(){base_url}\n        .token(token)\n        .build()?;\n\
         # drop(client);\n# Ok(())\n# }}\n```\n\n\
         TLS (`rustls`) and gzip are default features.\n",
        package = plan.package,
        title = text::documentation(&plan.title),
    )
}

fn library(plan: &Plan) -> String {
    let root = if plan.is_member { "" } else { " --root DIR" };
    format!(
        "#![doc = include_str!(\"../README.md\")]\n#![cfg_attr(docsrs, feature(doc_cfg))]\n\
         #![forbid(unsafe_code)]\n\nmod config;\n\
         // Written by `cargo xtask codegen {name}{root}`. Remove `missing_docs` once the overlay \
         documents everything.\n\
         #[rustfmt::skip]\n\
         #[allow(missing_docs, unreachable_pub, unused_imports, clippy::all, clippy::unwrap_used)]\n\
         mod generated;\n\npub use config::ClientBuilder;\n\
         pub use generated::{{API_VERSION, Client, builder, types}};\n\
         pub use rowfeed_client::{{\n    Attempt, BuildError, ByteStream, CallErrorKind, \
         CredentialError, CredentialProvider, RateLimit,\n    ResponseValue, RetryPolicy, Secret, \
         SecretError, TimeoutScope, UnknownValue,\n}};\n\n\
         /// The error of a call, with the error body of the service if there is one.\n\
         pub type CallError = rowfeed_client::CallError<types::{error}>;\n",
        name = plan.name,
        error = plan.error.0,
    )
}

fn config(plan: &Plan) -> String {
    let url = match &plan.base_url {
        Some(url) => format!("Some({url:?})"),
        None => "None".to_owned(),
    };
    let (header, prefix) = &plan.credential;
    let header = if header == "authorization" {
        "AUTHORIZATION".to_owned()
    } else {
        format!("HeaderName::from_static({header:?})")
    };
    let import = if header == "AUTHORIZATION" {
        "AUTHORIZATION, HeaderName, HeaderValue"
    } else {
        "HeaderName, HeaderValue"
    };
    let message = match &plan.error.1 {
        Some(name) => match name.strip_suffix('?') {
            Some(name) => format!("self.{}.clone()", field(name)),
            None => format!("Some(self.{}.clone())", field(name)),
        },
        None => "None".to_owned(),
    };
    format!(
        "//! The description of the service, and the builder of the client.\n\n\
         use reqwest::header::{{{import}}};\n\
         use rowfeed_client::{{CredentialError, Secret, Service, ServiceError, client_builder}};\n\n\
         use crate::{{Client, types}};\n\n\
         static SERVICE: Service = Service {{\n    name: {name:?},\n    default_base_url: {url},\n    \
         user_agent: concat!(env!(\"CARGO_PKG_NAME\"), \"/\", env!(\"CARGO_PKG_VERSION\")),\n    \
         credential: header,\n    credential_setting: \"token\",\n    request_id_headers: &[\"x-request-id\"],\n    \
         // Operations that may be sent twice, because the service accepts an Idempotency-Key.\n    \
         idempotent_operations: &[],\n}};\n\n\
         fn header(token: &Secret) -> Result<(HeaderName, HeaderValue), CredentialError> {{\n    \
         token.to_header({header}, {prefix:?})\n}}\n\n\
         // `ClientBuilder` with the common settings, and `Client::builder()`.\n\
         client_builder!(Client, SERVICE, types::{error});\n\n\
         impl ClientBuilder {{\n    /// The token of an account.\n    \
         pub fn token(mut self, token: Secret) -> Self {{\n        \
         self.transport = self.transport.credential(token);\n        self\n    }}\n}}\n\n\
         impl ServiceError for types::{error} {{\n    \
         fn message(&self) -> Option<String> {{\n        {message}\n    }}\n}}\n",
        name = plan.name,
        error = plan.error.0,
    )
}

/// Returns the name of the field that progenitor generates for a property.
fn field(property: &str) -> String {
    let name = normalize::snake(property);
    if syn::parse_str::<syn::Ident>(&name).is_ok() {
        name
    } else {
        format!("{name}_")
    }
}
