//! `upstream.toml`: the origin of a vendored document, and the operations that we keep.

use std::fs;

use anyhow::{Context as _, Result, anyhow, bail};
use sha2::{Digest as _, Sha256};
use toml_edit::{DocumentMut, value};

use crate::workspace::Service;

/// The pin of one service, with its comments.
pub(crate) struct Upstream {
    document: DocumentMut,
    shown: String,
}

/// The operations of the upstream document that are vendored.
#[derive(Debug, PartialEq)]
pub(crate) enum Keep {
    All,
    /// `METHOD /path`, with the method in lowercase.
    Some(Vec<String>),
}

impl Upstream {
    pub(crate) fn read(service: &Service) -> Result<Self> {
        let path = service.pin();
        let shown = service.shown(&path);
        let text = fs::read_to_string(&path).with_context(|| {
            format!(
                "{shown} is missing: it pins version, date, sha256 and license of the upstream \
                 document, and names the operations to keep (see specs/README.md)"
            )
        })?;
        let document: DocumentMut = text
            .parse()
            .map_err(|error| anyhow!("{shown}: this is not valid TOML: {error}"))?;
        let upstream = Self { document, shown };
        for key in ["version", "date", "sha256", "license", "source"] {
            upstream.text(key)?;
        }
        upstream.keep()?;
        Ok(upstream)
    }

    /// Returns a required top-level string.
    pub(crate) fn text(&self, key: &str) -> Result<&str> {
        self.document
            .get(key)
            .and_then(|item| item.as_str())
            .ok_or_else(|| anyhow!("{}: the string `{key}` is missing", self.shown))
    }

    pub(crate) fn keep(&self) -> Result<Keep> {
        let item = self.document.get("operations");
        if item.and_then(|i| i.as_str()) == Some("all") {
            return Ok(Keep::All);
        }
        let Some(list) = item.and_then(|i| i.as_array()) else {
            bail!(
                "{}: `operations` must be \"all\" or a list such as [\"get /v1/datasets\"]",
                self.shown
            );
        };
        let mut kept = Vec::new();
        for entry in list {
            let entry = entry
                .as_str()
                .filter(|text| text.contains(" /"))
                .ok_or_else(|| {
                    anyhow!(
                        "{}: `operations` holds {entry}, which is not of the form \
                         \"get /v1/datasets\"",
                        self.shown
                    )
                })?;
            kept.push(entry.to_owned());
        }
        Ok(Keep::Some(kept))
    }

    /// Sets the pin to a document. Nothing changes if the bytes are already pinned, so vendoring a
    /// file twice has no effect.
    pub(crate) fn repin(&mut self, bytes: &[u8], version: &str, date: Option<&str>) -> Result<()> {
        let sha256 = sha256(bytes);
        if self.text("sha256")? == sha256 && date.is_none() {
            return Ok(());
        }
        let date = date.map_or_else(today, str::to_owned);
        self.document["version"] = value(version);
        self.document["date"] = value(date);
        self.document["sha256"] = value(sha256);
        Ok(())
    }

    pub(crate) fn to_text(&self) -> String {
        self.document.to_string()
    }
}

/// Returns the SHA-256 of bytes in lowercase hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn today() -> String {
    jiff::Zoned::now().date().to_string()
}
