//! `rowfeed profile`.

use std::io::{self, IsTerminal as _, Read as _};

use rowfeed::Secret;

use super::{
    CredentialCommand, Entry, ProfileFile,
    file::{CommandText, Stored},
    name, path, shown,
};
use crate::{
    args::{Format, ProfileAddArgs, ProfileTestArgs, ServiceName},
    context::Context,
    error::{Failure, Kind, Result},
    output::Listing,
    services,
};

/// Stores a credential and settings.
pub(crate) fn add(context: &Context, args: ProfileAddArgs) -> Result<()> {
    let (name, _) = name(&context.global);
    check_name(&name)?;
    let path = path(&context.global)?;
    let file = ProfileFile::read(&path)?;
    let service = args.service;
    let is_there = file
        .all()
        .any(|(profile, word, _)| (profile, word) == (&name, service.word()));
    if is_there && !args.force {
        let message = format!("the profile {name:?} has settings for {service} already");
        return Err(
            Failure::usage(message).hint("--force replaces them; --profile NAME makes another")
        );
    }
    if service != ServiceName::Yandex && args.service_account_key.is_some() {
        return Err(Failure::usage(
            "only Yandex Query has key files of service accounts",
        ));
    }
    let is_rate = |rate: f64| rate.is_finite() && rate >= 0.0;
    if args.credits_per_mb.is_some_and(|rate| !is_rate(rate)) {
        return Err(Failure::usage(
            "--credits-per-mb is a number that is not negative",
        ));
    }
    let mut entry = Entry {
        credential_command: args.credential_command.map(CommandText::Line),
        service_account_key: args.service_account_key,
        base_url: context.global.base_url.clone(),
        project: args.project,
        requests_per_minute: args.requests_per_minute,
        credits_per_mb: args.credits_per_mb,
        credential: None,
    };
    if service == ServiceName::Lightdash && entry.base_url.is_none() {
        return Err(
            Failure::usage("every organization has a Lightdash of its own")
                .hint("name it with --base-url, such as https://app.lightdash.cloud"),
        );
    }
    match &entry.credential_command {
        Some(command) => drop(CredentialCommand::new(command)?),
        None if entry.service_account_key.is_none() => {
            entry.credential = Some(Stored::new(ask_for_key(service)?));
        }
        None => {}
    }
    file.store(&name, service, &entry)?;
    context.ui.note(&format!(
        "stored in {} as the profile {name:?}",
        shown(&path)
    ));
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    match !name.is_empty() && name.bytes().all(is_plain) {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "{name:?} is no name for a profile; expected letters, digits, '-' and '_'"
        ))),
    }
}

/// Reads the key from the terminal, without showing it, or from standard input.
fn ask_for_key(service: ServiceName) -> Result<String> {
    const MOST: u64 = 64 << 10;
    let failure = |error: io::Error| {
        Failure::new(
            Kind::Credential,
            format!("the credential cannot be read: {error}"),
        )
    };
    let text = if io::stdin().is_terminal() {
        let what = match service {
            ServiceName::Dune => "API key",
            ServiceName::Lightdash => "token",
            ServiceName::Yandex => "IAM token",
        };
        rpassword::prompt_password(format!("{service}, {what}: ")).map_err(failure)?
    } else {
        let mut text = String::new();
        io::stdin()
            .take(MOST)
            .read_to_string(&mut text)
            .map_err(failure)?;
        text
    };
    let text = text.trim().to_owned();
    match Secret::new(text.clone()) {
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::new(Kind::Credential, error.to_string())),
    }
}

/// Lists the profiles.
pub(crate) fn list(context: &Context, format: Option<Format>) -> Result<()> {
    let path = path(&context.global)?;
    let file = ProfileFile::read(&path)?;
    let mut listing = Listing::new(["profile", "service", "credential", "base_url", "project"]);
    for (profile, service, entry) in file.all() {
        let credential = match (&entry.credential_command, &entry.service_account_key) {
            (Some(CommandText::Line(line)), _) => format!("command: {line}"),
            (Some(CommandText::Words(words)), _) => format!("command: {}", words.join(" ")),
            (_, Some(path)) => format!("service account: {}", path.display()),
            _ if entry.credential.is_some() => "stored".to_owned(),
            _ => "none".to_owned(),
        };
        listing.push([
            profile.into(),
            service.into(),
            credential.into(),
            entry.base_url.clone().into(),
            entry.project.clone().into(),
        ]);
    }
    if listing.is_empty() {
        context
            .ui
            .note(&format!("there are no profiles in {}", shown(&path)));
    }
    listing.show(context, format)
}

/// Tries the credentials of the profile.
pub(crate) async fn test(context: &Context, args: ProfileTestArgs) -> Result<()> {
    let (name, _) = name(&context.global);
    let services = match args.service {
        Some(service) => vec![service],
        None if context.global.sandbox => ServiceName::ALL.to_vec(),
        None => {
            let file = ProfileFile::read(&path(&context.global)?)?;
            let stored = |service: &ServiceName| {
                file.all()
                    .any(|(profile, word, _)| (profile, word) == (&name, service.word()))
            };
            ServiceName::ALL.into_iter().filter(stored).collect()
        }
    };
    if services.is_empty() {
        let message = format!("the profile {name:?} has no service");
        return Err(Failure::new(Kind::Credential, message)
            .hint("store a credential with 'rowfeed profile add dune'"));
    }
    let mut listing = Listing::new(["service", "credential", "account"]);
    for service in services {
        let (account, origin) = services::test(context, service).await?;
        listing.push([service.word().into(), origin.into(), account.into()]);
    }
    listing.show(context, None)
}
