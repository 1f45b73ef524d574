//! Builds the libraries with the oldest dependencies that their manifests allow.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, anyhow};
use toml_edit::{Array, DocumentMut, value};

use super::{
    Outcome,
    steps::{LIBRARIES, everything, packages, skipped},
    tools::Tools,
};

/// Runs the step in a copy, so the lock file does not change.
pub(super) fn minimal_versions(tools: &Tools) -> Result<Outcome> {
    if !tools.has_toolchain("nightly") {
        return skipped("needs `rustup toolchain install nightly`");
    }
    let copy = tools.root().join("target/full/minimal");
    copy_libraries(tools, &copy).context("the checkout cannot be copied")?;
    let update = ["update", "-Zdirect-minimal-versions"];
    let mut resolved = tools.cargo_of("nightly", update);
    resolved.current_dir(&copy);
    match tools.run(resolved)? {
        Outcome::Passed => {}
        failed => return Ok(failed),
    }
    let mut args = vec!["check", "--locked"];
    args.extend(packages(&LIBRARIES));
    args.extend(everything());
    let mut check = tools.cargo(args);
    check.current_dir(&copy);
    tools.run(check)
}

/// Removes everything that users do not depend on: the other members and the dev-dependencies.
fn copy_libraries(tools: &Tools, to: &Path) -> Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    let mut listed = tools.command("git");
    listed.args([
        "ls-files",
        "-z",
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "crates",
    ]);
    let files = tools.asked(listed).context("git cannot list the files")?;
    for file in files.split('\0').filter(|file| !file.is_empty()) {
        let target = to.join(file);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        let from = tools.root().join(file);
        if file.ends_with("Cargo.toml") {
            let manifest = fs::read_to_string(&from).context(file.to_owned())?;
            fs::write(&target, for_users(&manifest).context(file.to_owned())?)?;
        } else {
            // Links are followed, because their targets have other paths in the copy.
            fs::copy(&from, &target).with_context(|| file.to_owned())?;
        }
    }
    Ok(())
}

/// Returns a manifest as users of the crates see it.
fn for_users(manifest: &str) -> Result<String> {
    let mut document: DocumentMut = manifest.parse()?;
    document.remove("dev-dependencies");
    if let Some(workspace) = document.get_mut("workspace") {
        let workspace = workspace
            .as_table_mut()
            .ok_or_else(|| anyhow!("`workspace` is not a table"))?;
        workspace.remove("default-members");
        workspace["members"] = value(Array::from_iter(["crates/*"]));
    }
    Ok(document.to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_the_dependencies_of_users_are_kept() {
        let root =
            "[workspace]\nmembers = [\"crates/*\", \"tool\"]\ndefault-members = [\"tool\"]\n";
        let members = "[workspace]\nmembers = [\"crates/*\"]\n";
        assert_eq!(for_users(root).unwrap(), members);
        let library = "[dependencies]\na = \"1\"\n\n[dev-dependencies]\nb = \"1\"\n";
        assert_eq!(for_users(library).unwrap(), "[dependencies]\na = \"1\"\n");
    }
}
