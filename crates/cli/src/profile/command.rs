//! A command that prints a credential.

use std::{process::Stdio, sync::Mutex, sync::PoisonError, time::Duration};

use rowfeed::{CredentialError, ExpiringSecret, RefreshingCredential, Secret};

use super::file::CommandText;
use crate::error::{Failure, Kind, Result};

/// How long a person may need to unlock a store.
const PATIENCE: Duration = Duration::from_secs(120);

/// The most that a command may print.
const MOST: usize = 64 << 10;

/// A program with its arguments. It is started without a shell.
#[derive(Clone, Debug)]
pub(crate) struct CredentialCommand(Vec<String>);

impl CredentialCommand {
    pub(crate) fn new(text: &CommandText) -> Result<Self> {
        let words = match text {
            CommandText::Words(words) => Some(words.clone()),
            CommandText::Line(line) => shlex::split(line),
        };
        match words {
            Some(words) if words.first().is_some_and(|word| !word.is_empty()) => Ok(Self(words)),
            _ => Err(Failure::new(
                Kind::Credential,
                "credential-command is empty, or has a quote that is not closed",
            )),
        }
    }

    /// Tells commands apart without showing their words, which may be secrets.
    pub(crate) fn fingerprint(&self) -> Result<String> {
        let words = format!("{:?}", self.0).escape_default().to_string();
        let words = Secret::new(words)
            .map_err(|error| Failure::new(Kind::Credential, error.to_string()))?;
        Ok(rowfeed_cache::fingerprint(&words))
    }

    /// Runs the command and returns the credential that it prints.
    pub(crate) async fn run(&self) -> Result<Secret> {
        let program = &self.0[0];
        let failure = |what: String| {
            Failure::new(
                Kind::Credential,
                format!("credential-command {program:?} {what}"),
            )
        };
        let mut command = tokio::process::Command::new(program);
        command
            .args(&self.0[1..])
            // It may have to ask the user for something.
            .stdin(Stdio::inherit())
            .stderr(Stdio::inherit())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let unusable = |error| failure(format!("cannot be started: {error}"));
        // Not `output()`, which keeps standard error to itself.
        let child = command.spawn().map_err(unusable)?;
        let ended = tokio::time::timeout(PATIENCE, child.wait_with_output()).await;
        let output = ended
            .map_err(|_| failure(format!("has not ended in {} s", PATIENCE.as_secs())))?
            .map_err(unusable)?;
        if !output.status.success() {
            return Err(failure(format!("failed: {}", output.status)));
        }
        if output.stdout.len() > MOST {
            return Err(failure("printed more than a credential".to_owned()));
        }
        let text = String::from_utf8(output.stdout)
            .map_err(|_| failure("printed something that is not text".to_owned()))?;
        Secret::new(text.trim()).map_err(|error| failure(format!("printed no credential: {error}")))
    }

    /// A provider that begins with this credential, and runs the command again when the service
    /// refuses it.
    pub(crate) fn provider(self, first: Secret) -> RefreshingCredential {
        let first = Mutex::new(Some(first));
        let command = std::sync::Arc::new(self);
        RefreshingCredential::new(move || {
            let first = first.lock().unwrap_or_else(PoisonError::into_inner).take();
            let command = command.clone();
            async move {
                let secret = match first {
                    Some(secret) => secret,
                    None => command
                        .run()
                        .await
                        .map_err(|failure| CredentialError::new(failure.message().to_owned()))?,
                };
                Ok(ExpiringSecret::lasting(secret))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn command(line: &str) -> Result<CredentialCommand> {
        CredentialCommand::new(&CommandText::Line(line.to_owned()))
    }

    #[test]
    fn a_line_is_split_as_a_shell_does_without_running_one() {
        let words = command("printf '%s' \"a b\" $HOME").unwrap().0;
        assert_eq!(words, ["printf", "%s", "a b", "$HOME"]);
        assert!(command("").is_err());
        assert!(command("printf 'open").is_err());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_is_printed_is_the_credential() {
        let secret = command("printf 'key\\n'").unwrap().run().await.unwrap();
        assert_eq!(secret.expose(), "key");
        for (line, why) in [
            ("false", "failed: exit status: 1"),
            ("true", "is empty"),
            ("printf 'two\\nlines'", "control characters"),
            ("no-such-program-of-rowfeed", "cannot be started"),
        ] {
            let failure = command(line).unwrap().run().await.unwrap_err();
            assert!(failure.message().contains(why), "{line}: {failure}");
        }
    }
}
