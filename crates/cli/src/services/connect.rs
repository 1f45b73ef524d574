//! Clients from settings.

use std::{path::PathBuf, sync::Arc};

use rowfeed::{BuildError, CredentialProvider, RateLimit, Secret, dune, lightdash, yandex_query};
use rowfeed_client::FileRecorder;
use rowfeed_sandbox::{
    DUNE_API_KEY, LIGHTDASH_PROJECT_UUID, LIGHTDASH_TOKEN, Sandbox, YANDEX_IAM_TOKEN,
    YANDEX_PROJECT,
};

use super::{Connection, dune::Dune, lightdash::Lightdash, yandex::Yandex};
use crate::{
    args::ServiceName,
    context::Context,
    error::{Failure, Kind, Result},
    profile::{self, Credential, FREE_CREDITS_PER_MB, Settings},
};

const USER_AGENT: &str = concat!("rowfeed-cli/", env!("CARGO_PKG_VERSION"));

/// A credential as a client takes it.
enum Key {
    Fixed(Secret),
    Provided(Arc<dyn CredentialProvider>),
}

pub(super) async fn open(
    context: &Context,
    service: ServiceName,
    project: Option<&str>,
) -> Result<Connection> {
    let settings = match context.sandbox() {
        Some(sandbox) => of_sandbox(sandbox, service, context)?,
        None => profile::settings(&context.global, &context.ui, service)?,
    };
    connect(context, service, project, settings).await
}

/// The account that the credential is good for, and where it comes from.
pub(crate) async fn test(context: &Context, service: ServiceName) -> Result<(String, String)> {
    let settings = match context.sandbox() {
        Some(sandbox) => of_sandbox(sandbox, service, context)?,
        None => profile::settings(&context.global, &context.ui, service)?,
    };
    let origin = settings.origin.clone();
    let account = match connect(context, service, None, settings).await? {
        Connection::Dune(dune) => dune.account().await?,
        Connection::Lightdash(lightdash) => lightdash.account().await?,
        Connection::Yandex(yandex) => yandex.account().await?,
    };
    Ok((account, origin))
}

async fn connect(
    context: &Context,
    service: ServiceName,
    project: Option<&str>,
    settings: Settings,
) -> Result<Connection> {
    let cache = context.cache.open(&context.global, &settings)?;
    let recorder = recorder(context)?;
    let Settings {
        credential,
        origin,
        base_url,
        project: of_profile,
        requests_per_minute,
        credits_per_mb,
    } = settings;
    context
        .ui
        .verbose(&format!("the credential for {service} comes from {origin}"));
    let key = match credential {
        Credential::Fixed(secret) => Key::Fixed(secret),
        Credential::Command(command) => {
            let first = command.run().await?;
            Key::Provided(Arc::new(command.provider(first)))
        }
        Credential::ServiceAccount(path) => {
            let key = profile::service_account_key(&path)?;
            let provider = yandex_query::ServiceAccountCredential::new(key)
                .map_err(|error| Failure::new(Kind::Credential, error.to_string()))?;
            Key::Provided(Arc::new(provider))
        }
    };
    let rate = requests_per_minute.map(RateLimit::per_minute);
    let project = project.map(str::to_owned).or(of_profile);
    macro_rules! client {
        ($client:path, $setter:ident) => {{
            let mut builder = <$client>::builder().user_agent(USER_AGENT).rate_limit(rate);
            if let Some(url) = &base_url {
                builder = builder.base_url(url);
            }
            if let Some(recorder) = &recorder {
                builder = builder.recorder(recorder.clone());
            }
            if let Some(cache) = &cache {
                builder = builder.cache(cache.clone());
            }
            builder = match key {
                Key::Fixed(secret) => builder.$setter(secret),
                Key::Provided(provider) => builder.credential_provider(provider),
            };
            let client = builder.build().map_err(|error| unbuilt(service, &error))?;
            let counted = client.clone();
            context.stats.watch(service, move || counted.usage());
            client
        }};
    }
    let shown_url = base_url.clone().unwrap_or_default();
    Ok(match service {
        ServiceName::Dune => Connection::Dune(Dune {
            client: client!(dune::Client, api_key),
            credits_per_mb: credits_per_mb.unwrap_or(FREE_CREDITS_PER_MB),
            base_url: shown_url,
        }),
        ServiceName::Lightdash => {
            if base_url.is_none() {
                return Err(
                    Failure::usage("every organization has a Lightdash of its own")
                        .hint("name it with --base-url, LIGHTDASH_URL or in the profile"),
                );
            }
            Connection::Lightdash(Lightdash {
                client: client!(lightdash::Client, token),
                project,
                base_url: shown_url,
            })
        }
        ServiceName::Yandex => Connection::Yandex(Yandex {
            client: client!(yandex_query::Client, iam_token),
            folder: project.ok_or_else(|| {
                Failure::usage("a query of Yandex Query belongs to a folder of Yandex Cloud")
                    .hint("name it with --folder, YC_FOLDER_ID or 'project' in the profile")
            })?,
            base_url: shown_url,
        }),
    })
}

/// The recorder of `--record`.
fn recorder(context: &Context) -> Result<Option<Arc<FileRecorder>>> {
    let open = |path: &PathBuf| {
        let file = FileRecorder::open(path);
        file.map_err(|error| Failure::file("recording into", path, &error))
    };
    Ok(context
        .global
        .record
        .as_ref()
        .map(open)
        .transpose()?
        .map(Arc::new))
}

fn unbuilt(service: ServiceName, error: &BuildError) -> Failure {
    Failure::new(Kind::Usage, format!("{service}: {error}"))
}

/// The settings of the sandbox in this process. Credentials and addresses from the environment are not
/// used with it.
fn of_sandbox(sandbox: &Sandbox, service: ServiceName, context: &Context) -> Result<Settings> {
    if context.global.base_url.is_some() {
        return Err(Failure::usage(
            "--sandbox has an address of its own; leave --base-url out",
        ));
    }
    let (key, url, project) = match service {
        ServiceName::Dune => (DUNE_API_KEY, sandbox.dune_url(), None),
        ServiceName::Lightdash => (
            LIGHTDASH_TOKEN,
            sandbox.lightdash_url(),
            Some(LIGHTDASH_PROJECT_UUID),
        ),
        ServiceName::Yandex => (
            YANDEX_IAM_TOKEN,
            sandbox.yandex_query_url(),
            Some(YANDEX_PROJECT),
        ),
    };
    let key =
        Secret::new(key).map_err(|error| Failure::new(Kind::Credential, error.to_string()))?;
    Ok(Settings {
        credential: Credential::Fixed(key),
        origin: "the sandbox".to_owned(),
        base_url: Some(url),
        project: project.map(str::to_owned),
        requests_per_minute: None,
        credits_per_mb: None,
    })
}
