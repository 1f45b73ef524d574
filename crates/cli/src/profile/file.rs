//! The file of profiles: TOML, a table `[PROFILE.SERVICE]` for each.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer};
use toml_edit::{DocumentMut, Item, Table, value};

use crate::{
    args::ServiceName,
    error::{Failure, Kind, Result},
};

const HEAD: &str = "\
# Profiles of rowfeed: a table [PROFILE.SERVICE] for each, SERVICE being dune, lightdash or yandex.
# Keep this file readable for you alone: rowfeed refuses it otherwise.

";

/// What a profile has for a service.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Entry {
    pub(crate) credential: Option<Stored>,
    pub(crate) credential_command: Option<CommandText>,
    pub(crate) service_account_key: Option<PathBuf>,
    pub(crate) base_url: Option<String>,
    pub(crate) project: Option<String>,
    pub(crate) requests_per_minute: Option<u32>,
    pub(crate) credits_per_mb: Option<f64>,
}

impl Entry {
    pub(crate) fn has_credential(&self) -> bool {
        self.credential.is_some()
            || self.credential_command.is_some()
            || self.service_account_key.is_some()
    }
}

/// A command as a line for a shell's reader, or as its words.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum CommandText {
    Line(String),
    Words(Vec<String>),
}

/// A credential in the file, which nothing prints.
pub(crate) struct Stored(String);

impl Stored {
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// The file, as it was read.
#[derive(Debug, Default)]
pub(crate) struct ProfileFile {
    path: PathBuf,
    text: String,
    profiles: BTreeMap<String, BTreeMap<String, Entry>>,
}

impl ProfileFile {
    /// Reads the file; one that does not exist has no profiles.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let failure = |message: String| Failure::new(Kind::Credential, message);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self {
                    path: path.to_owned(),
                    ..Self::default()
                });
            }
            Err(error) => {
                let message = format!("the profiles in {} cannot be read: {error}", path.display());
                return Err(failure(message));
            }
        };
        refuse_if_shared(path)?;
        // The error's own text shows the line, which may hold a credential.
        let profiles: BTreeMap<String, BTreeMap<String, Entry>> = toml_edit::de::from_str(&text)
            .map_err(|error| {
                let line = error
                    .span()
                    .map(|span| text[..span.start].matches('\n').count() + 1);
                let place = line.map_or(String::new(), |line| format!(", line {line}"));
                failure(format!(
                    "{}{place}: {}",
                    path.display(),
                    safe(error.message())
                ))
            })?;
        for (profile, services) in &profiles {
            for word in services.keys() {
                if !ServiceName::ALL
                    .iter()
                    .any(|service| service.word() == word)
                {
                    let message = format!(
                        "{}: [{profile}.{word}] is no service; expected dune, lightdash or yandex",
                        path.display()
                    );
                    return Err(failure(message));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            text,
            profiles,
        })
    }

    pub(crate) fn has(&self, profile: &str) -> bool {
        self.profiles.contains_key(profile)
    }

    /// What the profile has for the service. At most one credential.
    pub(crate) fn entry(mut self, profile: &str, service: ServiceName) -> Result<Option<Entry>> {
        let path = self.path.display().to_string();
        let services = self.profiles.get_mut(profile);
        let Some(entry) = services.and_then(|services| services.remove(service.word())) else {
            return Ok(None);
        };
        let sources = [
            entry.credential.is_some(),
            entry.credential_command.is_some(),
            entry.service_account_key.is_some(),
        ];
        if sources.iter().filter(|is_there| **is_there).count() > 1 {
            let message = format!(
                "{path}: [{profile}.{}] has several credentials; keep one of credential, \
                 credential-command and service-account-key",
                service.word()
            );
            return Err(Failure::new(Kind::Credential, message));
        }
        Ok(Some(entry))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str, &Entry)> {
        self.profiles.iter().flat_map(|(profile, services)| {
            services
                .iter()
                .map(move |(service, entry)| (profile.as_str(), service.as_str(), entry))
        })
    }

    /// Writes the file with this entry; everything else in it stays, comments too.
    pub(crate) fn store(&self, profile: &str, service: ServiceName, entry: &Entry) -> Result<()> {
        let broken =
            |error: toml_edit::TomlError| Failure::new(Kind::Credential, safe(error.message()));
        let mut document: DocumentMut = self.text.parse().map_err(broken)?;
        let services = document.entry(profile).or_insert_with(|| {
            let mut table = Table::new();
            table.set_implicit(true);
            Item::Table(table)
        });
        services[service.word()] = Item::Table(table(entry));
        let head = if self.text.is_empty() { HEAD } else { "" };
        self.write(&format!("{head}{document}")).map_err(|error| {
            let message = format!(
                "the profiles cannot be written to {}: {error}",
                self.path.display()
            );
            Failure::new(Kind::Output, message)
        })
    }

    fn write(&self, text: &str) -> io::Result<()> {
        let directory = match self.path.parent() {
            Some(directory) if !directory.as_os_str().is_empty() => directory,
            _ => Path::new("."),
        };
        fs::create_dir_all(directory)?;
        let draft = self
            .path
            .with_extension(format!("{}.tmp", std::process::id()));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(&draft).and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&draft, &self.path)
        });
        if written.is_err() {
            // The draft is of no use, and holds a credential.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

fn table(entry: &Entry) -> Table {
    let mut table = Table::new();
    let mut set = |name: &str, item: Option<Item>| {
        if let Some(item) = item {
            table.insert(name, item);
        }
    };
    set(
        "credential",
        entry.credential.as_ref().map(|text| value(text.expose())),
    );
    set(
        "credential-command",
        entry
            .credential_command
            .as_ref()
            .map(|command| match command {
                CommandText::Line(line) => value(line),
                CommandText::Words(words) => value(words.iter().collect::<toml_edit::Array>()),
            }),
    );
    let path = entry.service_account_key.as_ref();
    set(
        "service-account-key",
        path.map(|path| value(path.display().to_string())),
    );
    set("base-url", entry.base_url.as_ref().map(value));
    set("project", entry.project.as_ref().map(value));
    let rate = entry.requests_per_minute;
    set(
        "requests-per-minute",
        rate.map(|rate| value(i64::from(rate))),
    );
    set("credits-per-mb", entry.credits_per_mb.map(value));
    table
}

/// The message of a reader of TOML, without what it quotes.
fn safe(message: &str) -> String {
    let mut parts = message.split(['`', '"']);
    let first = parts
        .next()
        .unwrap_or_default()
        .trim()
        .trim_end_matches(':');
    let is_name = |text: &&str| {
        text.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            && text.len() <= 24
    };
    match parts.next().filter(is_name) {
        Some(name) => format!("{first} {name}"),
        None => first.to_owned(),
    }
}

/// Others must not be able to read credentials.
#[cfg(unix)]
fn refuse_if_shared(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let unreadable = |error: io::Error| {
        let message = format!("the profiles in {} cannot be read: {error}", path.display());
        Failure::new(Kind::Credential, message)
    };
    let mode = fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let message = format!(
        "the profiles in {} can be read by others (mode {mode:04o}), so they are not used",
        path.display()
    );
    Err(Failure::new(Kind::Credential, message).hint(format!(
        "run 'chmod 600 {}', and replace the keys if others may have seen them",
        path.display()
    )))
}

/// A user's AppData is closed to other users by its access list, which is not looked at here.
#[cfg(not(unix))]
fn refuse_if_shared(_path: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn messages_do_not_quote_what_the_file_holds() {
        for (message, kept) in [
            (
                "unknown field `api-key`, expected one of `credential`",
                "unknown field api-key",
            ),
            (
                "invalid type: string \"hunter2 Secret\", expected u32",
                "invalid type: string",
            ),
            (
                "string values must be quoted, expected literal string",
                "string values must be quoted, expected literal string",
            ),
        ] {
            assert_eq!(safe(message), kept);
        }
    }

    #[test]
    fn storing_an_entry_keeps_the_others_and_the_comments() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("deep/profiles.toml");
        let entry = |key: &str| Entry {
            credential: Some(Stored::new(key.to_owned())),
            requests_per_minute: Some(40),
            ..Entry::default()
        };
        let read = || ProfileFile::read(&path).unwrap();
        read()
            .store("default", ServiceName::Dune, &entry("one"))
            .unwrap();
        read()
            .store("work", ServiceName::Lightdash, &entry("two"))
            .unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("# Profiles of rowfeed"), "{text}");
        assert!(
            text.contains("[default.dune]\ncredential = \"one\"\nrequests-per-minute = 40"),
            "{text}"
        );
        let stored = read()
            .entry("work", ServiceName::Lightdash)
            .unwrap()
            .unwrap();
        assert_eq!(stored.credential.unwrap().expose(), "two");
        assert!(read().entry("work", ServiceName::Dune).unwrap().is_none());
    }
}
