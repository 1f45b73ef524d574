//! Credentials and settings: from flags, the environment, the profile, and defaults, in this order.

mod command;
mod commands;
mod file;

use std::path::{Path, PathBuf};

use rowfeed::{Secret, yandex_query::ServiceAccountKey};

pub(crate) use command::CredentialCommand;
pub(crate) use commands::{add, list, test};
pub(crate) use file::{Entry, ProfileFile};

use crate::{
    args::{GlobalArgs, ServiceName},
    error::{Failure, Kind, Result},
    ui::Ui,
};

/// What Dune's free plan pays for a megabyte of results: the most of all plans.
pub(crate) const FREE_CREDITS_PER_MB: f64 = 20.0;

/// The profile that is used unless another is named.
const DEFAULT: &str = "default";

/// Where a credential comes from.
#[derive(Debug)]
pub(crate) enum Credential {
    Fixed(Secret),
    Command(CredentialCommand),
    ServiceAccount(PathBuf),
}

/// What a client is made of.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) credential: Credential,
    /// Where the credential comes from, for people.
    pub(crate) origin: String,
    pub(crate) base_url: Option<String>,
    /// The project of Lightdash, the folder of Yandex Query.
    pub(crate) project: Option<String>,
    pub(crate) requests_per_minute: Option<u32>,
    pub(crate) credits_per_mb: Option<f64>,
}

/// The variables of a service.
struct Variables {
    credential: &'static str,
    key_file: Option<&'static str>,
    base_url: &'static str,
    project: Option<&'static str>,
}

fn variables(service: ServiceName) -> Variables {
    match service {
        ServiceName::Dune => Variables {
            credential: "DUNE_API_KEY",
            key_file: None,
            base_url: "DUNE_API_BASE_URL",
            project: None,
        },
        ServiceName::Lightdash => Variables {
            credential: "LIGHTDASH_API_KEY",
            key_file: None,
            base_url: "LIGHTDASH_URL",
            project: Some("LIGHTDASH_PROJECT"),
        },
        ServiceName::Yandex => Variables {
            credential: "YC_IAM_TOKEN",
            key_file: Some("YC_SERVICE_ACCOUNT_KEY_FILE"),
            base_url: "YANDEX_QUERY_URL",
            project: Some("YC_FOLDER_ID"),
        },
    }
}

/// The name of the profile in use, and whether anybody named it.
pub(crate) fn name(global: &GlobalArgs) -> (String, bool) {
    let variable = || env("ROWFEED_PROFILE");
    match global.profile.clone().or_else(variable) {
        Some(name) => (name, true),
        None => (DEFAULT.to_owned(), false),
    }
}

/// Collects the settings of a service.
pub(crate) fn settings(global: &GlobalArgs, ui: &Ui, service: ServiceName) -> Result<Settings> {
    let (name, is_named) = name(global);
    let path = path(global)?;
    let variables = variables(service);
    let from_env = env_credential(&variables)?;
    // A file that others can read is refused also where the environment has the credential: settings
    // come from it all the same.
    let file = ProfileFile::read(&path)?;
    if is_named && !file.has(&name) {
        let message = format!("there is no profile {name:?} in {}", path.display());
        return Err(Failure::new(Kind::Credential, message).hint(format!(
            "make it with 'rowfeed --profile {name} profile add {}'",
            service.word()
        )));
    }
    let entry = file.entry(&name, service)?.unwrap_or_default();
    if is_named && from_env.is_some() && entry.has_credential() {
        ui.warn(&format!(
            "the environment has a credential for {service}, which comes before that of the profile \
             {name:?}"
        ));
    }
    let (credential, origin) = match from_env {
        Some(found) => found,
        None => profile_credential(&entry, &name, service)?
            .ok_or_else(|| no_credential(service, &variables))?,
    };
    Ok(Settings {
        credential,
        origin,
        base_url: global
            .base_url
            .clone()
            .or_else(|| env(variables.base_url))
            .or(entry.base_url),
        project: variables.project.and_then(env).or(entry.project),
        requests_per_minute: entry.requests_per_minute,
        credits_per_mb: entry.credits_per_mb,
    })
}

fn env_credential(variables: &Variables) -> Result<Option<(Credential, String)>> {
    let credential =
        |error: rowfeed::SecretError| Failure::new(Kind::Credential, error.to_string());
    if env(variables.credential).is_some() {
        let secret = Secret::from_env(variables.credential).map_err(credential)?;
        return Ok(Some((
            Credential::Fixed(secret),
            variables.credential.to_owned(),
        )));
    }
    let file = variables.key_file.and_then(|name| Some((name, env(name)?)));
    Ok(file.map(|(name, path)| (Credential::ServiceAccount(path.into()), name.to_owned())))
}

fn profile_credential(
    entry: &Entry,
    name: &str,
    service: ServiceName,
) -> Result<Option<(Credential, String)>> {
    let origin = |what: &str| format!("{what} of the profile {name:?}");
    if let Some(command) = &entry.credential_command {
        let command = CredentialCommand::new(command)?;
        return Ok(Some((
            Credential::Command(command),
            origin("credential-command"),
        )));
    }
    if let Some(path) = &entry.service_account_key {
        let credential = Credential::ServiceAccount(path.clone());
        return Ok(Some((credential, origin("service-account-key"))));
    }
    let Some(text) = &entry.credential else {
        return Ok(None);
    };
    let secret = Secret::new(text.expose()).map_err(|error| {
        let message = format!("the credential for {service} in the profile {name:?}: {error}");
        Failure::new(Kind::Credential, message)
    })?;
    Ok(Some((Credential::Fixed(secret), origin("credential"))))
}

fn no_credential(service: ServiceName, variables: &Variables) -> Failure {
    let message = format!("there is no credential for {service}");
    Failure::new(Kind::Credential, message).hint(format!(
        "store one with 'rowfeed profile add {}', or set {}; --sandbox needs none",
        service.word(),
        variables.credential
    ))
}

pub(crate) fn service_account_key(path: &Path) -> Result<ServiceAccountKey> {
    ServiceAccountKey::from_file(path)
        .map_err(|error| Failure::new(Kind::Credential, error.to_string()))
}

/// A variable that is set and not empty.
pub(crate) fn env(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the profiles are: `~/.config/rowfeed`, or what `XDG_CONFIG_HOME` says; on Windows, AppData.
pub(crate) fn path(global: &GlobalArgs) -> Result<PathBuf> {
    if let Some(path) = &global.config {
        return Ok(path.clone());
    }
    if let Some(path) = env("ROWFEED_CONFIG") {
        return Ok(path.into());
    }
    use etcetera::base_strategy::{BaseStrategy as _, choose_base_strategy};
    let directories = choose_base_strategy().map_err(|error| {
        let message = format!("this system names no place for profiles: {error}");
        Failure::new(Kind::Credential, message).hint("name a file with --config or ROWFEED_CONFIG")
    })?;
    Ok(directories
        .config_dir()
        .join("rowfeed")
        .join("profiles.toml"))
}

/// The path as people write it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
