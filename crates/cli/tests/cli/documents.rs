//! The documents show the real output of the command.

use std::{fs, path::PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn the_archives_of_a_release_match_those_of_binstall() {
    let manifest = fs::read_to_string(root().join("crates/cli/Cargo.toml")).unwrap();
    let workflow = fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap();
    // The name of a tag is v and the version.
    assert!(manifest.contains("download/v{ version }/{ name }-{ target }-v{ version }.tar.gz"));
    assert!(workflow.contains("name=\"rowfeed-cli-$TARGET-$GITHUB_REF_NAME\""));
    assert!(
        workflow.contains("tags: [\"v*\"]")
            && workflow.contains("tar -czf \"$name.tar.gz\" \"$name\"")
    );
}

#[cfg(unix)]
mod examples {
    use std::{collections::BTreeMap, fs, process::Command};

    use super::root;
    use crate::terminal::{on_terminal, screen};

    /// A command line of a document, and the lines that it shows.
    #[derive(Debug)]
    struct Example {
        line: String,
        shows: Vec<String>,
    }

    /// The blocks that begin with a prompt.
    fn examples(text: &str) -> Vec<Example> {
        let mut examples: Vec<Example> = Vec::new();
        let (mut is_inside, mut has_prompt) = (false, false);
        for line in text.lines() {
            if let Some(language) = line.strip_prefix("```") {
                is_inside = matches!(language, "console" | "text");
                has_prompt = false;
                continue;
            }
            if !is_inside {
                continue;
            }
            if let Some(line) = line.strip_prefix("$ ") {
                has_prompt = true;
                examples.push(Example {
                    line: line.to_owned(),
                    shows: Vec::new(),
                });
            } else if let Some(example) = examples.last_mut().filter(|_| has_prompt) {
                example.shows.push(line.to_owned());
            }
        }
        examples
    }

    /// Returns the line without ids, times, sizes and costs, which differ each time.
    fn plain(line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        let shown = words.iter().enumerate().map(|(at, word)| {
            let next = words
                .get(at + 1)
                .copied()
                .unwrap_or_default()
                .trim_end_matches(',');
            let is_number = word
                .chars()
                .all(|c| c.is_ascii_digit() || matches!(c, '.' | ','));
            let core = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
            let is_id = (core.len() == 26
                && core
                    .bytes()
                    .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()))
                || (core.len() == 20 && core.starts_with("csq"))
                || (core.len() == 36 && core.matches('-').count() == 4);
            match (
                is_number && matches!(next, "s" | "kB" | "MB" | "B" | "credits"),
                is_id,
            ) {
                (true, _) => "N".to_owned(),
                (_, true) => word.replace(core, "ID"),
                _ => (*word).to_owned(),
            }
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    /// Returns whether the lines match; `…` stands for any number of lines.
    fn fits(said: &[String], shown: &[String]) -> bool {
        match said.split_first() {
            None => shown.is_empty(),
            Some((first, rest)) if first == "…" => {
                (0..=shown.len()).any(|at| fits(rest, &shown[at..]))
            }
            Some((first, rest)) => shown
                .split_first()
                .is_some_and(|(line, others)| first == line && fits(rest, others)),
        }
    }

    fn check(file: &str) {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().to_str().unwrap();
        let examples = examples(&fs::read_to_string(root().join(file)).unwrap());
        assert!(!examples.is_empty(), "{file} has no example");
        let mut failures = BTreeMap::new();
        for Example { line, shows } in examples {
            let script = format!(
                "rowfeed() {{ '{}' \"$@\"; }}; {}",
                env!("CARGO_BIN_EXE_rowfeed"),
                line.replace("cargo run -p rowfeed-cli -- ", "rowfeed ")
            );
            let mut command = Command::new("sh");
            command
                .args(["-c", &script])
                .current_dir(home)
                .env_clear()
                .env("HOME", home);
            command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
            let (_, shown) = on_terminal(command, 100);
            let shown = screen(&shown).replace(home, "/home/you");
            let shown: Vec<String> = shown.trim_end().lines().map(plain).collect();
            let said: Vec<String> = shows.iter().map(|line| plain(line)).collect();
            if !fits(&said, &shown) {
                failures.insert(line, shown.join("\n"));
            }
        }
        let failures: Vec<String> = failures
            .iter()
            .map(|(line, shown)| format!("$ {line}\n{shown}"))
            .collect();
        assert!(
            failures.is_empty(),
            "{file} says something else than:\n{}",
            failures.join("\n\n")
        );
    }

    #[test]
    fn the_readme_of_the_workspace_shows_what_the_command_shows() {
        check("README.md");
    }

    #[test]
    fn the_readme_of_the_command_shows_what_the_command_shows() {
        check("crates/cli/README.md");
    }

    #[test]
    fn the_chapter_of_the_guide_shows_what_the_command_shows() {
        check("guide/src/command.md");
    }
}
