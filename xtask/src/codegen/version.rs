//! The API version of a client, in its manifest.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;
use toml_edit::{DocumentMut, Item as TomlItem, Table, value};

use crate::workspace::Service;

/// Returns the version of the document.
pub(super) fn of(document: &Value) -> &str {
    let version = document.pointer("/info/version").and_then(Value::as_str);
    version.unwrap_or("unknown")
}

/// Returns the name of the crate in code, from its manifest or by our convention.
pub(super) fn package(service: &Service) -> Result<String> {
    let path = service.manifest();
    let name = match fs::read_to_string(&path) {
        Ok(text) => {
            let manifest: DocumentMut = text
                .parse()
                .with_context(|| format!("{}: not TOML", service.shown(&path)))?;
            let name = manifest
                .get("package")
                .and_then(|item| item.get("name")?.as_str());
            name.map(str::to_owned)
        }
        Err(_) => None,
    };
    let name = name.unwrap_or_else(|| format!("rowfeed-{}", service.name));
    Ok(name.replace('-', "_"))
}

/// Returns the manifest of the client with `api-version` in `[package.metadata.rowfeed]`, or `None`
/// if there is no manifest.
pub(super) fn manifest(service: &Service, version: &str) -> Result<Option<(PathBuf, String)>> {
    let path = service.manifest();
    if !path.exists() {
        return Ok(None);
    }
    let shown = service.shown(&path);
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {shown}"))?;
    let text = with_version(&text, version)
        .with_context(|| format!("{shown}: cannot set the API version"))?;
    Ok(Some((path, text)))
}

fn with_version(manifest: &str, version: &str) -> Result<String> {
    let mut document: DocumentMut = manifest.parse()?;
    let mut table = document.as_table_mut();
    for key in ["package", "metadata", "rowfeed"] {
        let below = table.entry(key).or_insert_with(|| {
            let mut made = Table::new();
            // `[package.metadata.rowfeed]` implies its parent tables.
            made.set_implicit(key != "rowfeed");
            TomlItem::Table(made)
        });
        table = below
            .as_table_mut()
            .ok_or_else(|| anyhow!("`{key}` is not a table"))?;
    }
    if table.get("api-version").and_then(TomlItem::as_str) != Some(version) {
        table["api-version"] = value(version);
    }
    Ok(document.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MANIFEST: &str =
        "[package]\nname = \"fruit\" # sold by weight\n\n[lints]\nworkspace = true\n";

    #[test]
    fn a_manifest_gets_the_version_and_is_otherwise_unchanged() {
        let first = with_version(MANIFEST, "3").unwrap();
        assert!(first.starts_with("[package]\nname = \"fruit\" # sold by weight\n"));
        let pin = "\n[package.metadata.rowfeed]\napi-version = \"3\"\n";
        assert!(first.contains(pin), "{first}");
        assert!(first.contains("[lints]\nworkspace = true\n"), "{first}");
        assert_eq!(with_version(&first, "3").unwrap(), first);

        let next = with_version(&first, "4").unwrap();
        assert_eq!(next, first.replace("\"3\"", "\"4\""));
    }

    #[test]
    fn a_manifest_without_a_place_for_the_version_is_an_error() {
        let odd = "[package]\nmetadata = 1\n";
        let said = with_version(odd, "3").unwrap_err().to_string();
        assert!(said.contains("`metadata` is not a table"), "{said}");
    }
}
