//! The commands as a maintainer runs them, on an invented service in a folder of its own.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

const DOCUMENT: &str = r##"{
  "openapi": "3.0.1",
  "info": {"title": "Fruit", "version": "3", "description": "Sold by weight."},
  "paths": {
    "/fruit/{id}": {
      "get": {
        "operationId": "getFruit",
        "summary": "Fetch it.",
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}],
        "responses": {
          "200": {"description": "Ripe.", "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Fruit"}}}},
          "default": {"description": "Rotten.", "content": {"application/json": {
            "schema": {"$ref": "#/components/schemas/Failure"}}}}
        }
      }
    }
  },
  "components": {"schemas": {
    "Fruit": {"type": "object", "required": ["name"], "properties": {
      "name": {"type": "string", "description": "How it is called."},
      "state": {"type": "string", "enum": ["GREEN", "RIPE"]}}},
    "Failure": {"type": "object", "properties": {"error": {"type": "string"}}}
  }}
}"##;

const PIN: &str = "# Kept by hand.\nsource = \"invented\"\nversion = \"0\"\ndate = \"2020-01-01\"\n\
                   sha256 = \"\"\nlicence = \"none\"\noperations = \"all\"\n";

/// A folder laid out like the workspace, with the service `fruit` vendored.
struct Orchard(TempDir);

impl Orchard {
    fn new() -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(this.path("specs/fruit")).unwrap();
        fs::create_dir_all(this.path("crates/fruit/src")).unwrap();
        fs::write(this.path("specs/fruit/upstream.toml"), PIN).unwrap();
        fs::write(this.path("upstream.json"), DOCUMENT).unwrap();
        this
    }

    fn vendored() -> Self {
        let this = Self::new();
        let output = this.run(&["vendor", "fruit", "--from", &this.shown("upstream.json")]);
        assert!(output.status.success(), "{}", text(&output));
        this
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn shown(&self, path: &str) -> String {
        self.path(path).display().to_string()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    fn replace(&self, path: &str, old: &str, new: &str) {
        let text = self.read(path);
        assert!(text.contains(old), "{path} holds no {old:?}:\n{text}");
        fs::write(self.path(path), text.replacen(old, new, 1)).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        xtask(self.0.path(), arguments)
    }

    /// The output of a run that has to fail.
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "it succeeded: {}", text(&output));
        assert!(
            !text(&output).contains("panicked at"),
            "a bare panic: {}",
            text(&output)
        );
        text(&output)
    }
}

fn xtask(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command
        .args(arguments)
        .arg("--root")
        .arg(root)
        .output()
        .unwrap()
}

fn text(output: &Output) -> String {
    let parts = [&output.stdout, &output.stderr];
    parts
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .concat()
}

const GENERATED: &str = "crates/fruit/src/generated.rs";

#[test]
fn codegen_writes_the_same_bytes_every_time() {
    let orchard = Orchard::vendored();
    assert!(orchard.run(&["codegen"]).status.success());
    let first = orchard.read(GENERATED);
    assert!(
        first.contains("pub fn get_fruit(&self) -> builder::GetFruit"),
        "{first}"
    );
    fs::remove_file(orchard.path(GENERATED)).unwrap();
    assert!(orchard.run(&["codegen", "fruit"]).status.success());
    assert_eq!(orchard.read(GENERATED), first);
}

#[test]
fn codegen_says_how_much_it_wrote() {
    let output = text(&Orchard::vendored().run(&["codegen"]));
    assert!(output.contains("1 operations, 3 types"), "{output}");
    assert!(output.contains(" lines"), "{output}");
}

#[test]
fn check_passes_on_what_codegen_wrote_and_shows_a_changed_field() {
    let orchard = Orchard::vendored();
    orchard.run(&["codegen"]);
    assert!(orchard.run(&["codegen", "--check"]).status.success());

    let before = orchard.read(GENERATED);
    orchard.replace("specs/fruit/openapi.json", "\"name\": {", "\"weight\": {");
    let output = orchard.fails(&["codegen", "--check"]);
    assert!(
        output.contains("--- crates/fruit/src/generated.rs"),
        "{output}"
    );
    assert!(output.contains("\n+        pub weight:"), "{output}");
    assert!(output.contains("\n-        pub name:"), "{output}");
    assert!(
        output.contains("to mend it: cargo xtask codegen fruit"),
        "{output}"
    );
    assert_eq!(orchard.read(GENERATED), before, "--check wrote");
}

#[test]
fn the_client_s_manifest_names_the_version_of_the_api() {
    let orchard = Orchard::vendored();
    let manifest = "crates/fruit/Cargo.toml";
    fs::write(orchard.path(manifest), "[package]\nname = \"fruit\"\n").unwrap();
    let output = orchard.fails(&["codegen", "--check"]);
    assert!(output.contains("+api-version = \"3\""), "{output}");
    assert!(!orchard.read(manifest).contains("api-version"), "it wrote");

    assert!(orchard.run(&["codegen"]).status.success());
    let pin = "[package.metadata.rowfeed]\napi-version = \"3\"\n";
    assert!(orchard.read(manifest).contains(pin));
    assert!(
        orchard
            .read(GENERATED)
            .contains("API_VERSION: &str = \"3\";")
    );
    assert!(orchard.run(&["codegen", "--check"]).status.success());

    orchard.replace(manifest, "\"3\"", "\"2\"");
    let output = orchard.fails(&["codegen", "--check"]);
    assert!(output.contains("-api-version = \"2\""), "{output}");
    assert!(
        output.contains("to mend it: cargo xtask codegen fruit"),
        "{output}"
    );
}

#[test]
fn a_document_that_progenitor_cannot_take_is_told_by_operation_and_pointer() {
    let orchard = Orchard::vendored();
    let multipart = "\"requestBody\": {\"content\": {\"multipart/form-data\": {\"schema\": \
                     {\"type\": \"object\"}}}}, \"parameters\"";
    orchard.replace("specs/fruit/openapi.json", "\"parameters\"", multipart);
    let output = orchard.fails(&["codegen"]);
    assert!(
        output.contains("specs/fruit/openapi.json: progenitor cannot take"),
        "{output}"
    );
    assert!(
        output.contains("operation get_fruit at /paths/~1fruit~1{id}/get"),
        "{output}"
    );
    assert!(output.contains("multipart/form-data"), "{output}");
}

#[test]
fn a_panic_inside_progenitor_is_told_too() {
    let orchard = Orchard::new();
    // A JSON body without a schema is a `todo!()` there.
    orchard.replace(
        "upstream.json",
        "\"schema\": {\"$ref\": \"#/components/schemas/Fruit\"}",
        "",
    );
    orchard.run(&["vendor", "fruit", "--from", &orchard.shown("upstream.json")]);
    let output = orchard.fails(&["codegen"]);
    assert!(
        output.contains("operation get_fruit at /paths/~1fruit~1{id}/get"),
        "{output}"
    );
    assert!(output.contains("progenitor panicked in"), "{output}");
}

#[test]
fn a_document_that_is_not_openapi_is_told_by_place() {
    let orchard = Orchard::vendored();
    orchard.replace(
        "specs/fruit/openapi.json",
        "\"in\": \"path\"",
        "\"in\": \"nowhere\"",
    );
    let output = orchard.fails(&["codegen"]);
    assert!(output.contains("not OpenAPI 3.0 at paths"), "{output}");
    assert!(output.contains("get_fruit"), "{output}");
}

#[test]
fn an_overlay_action_that_matches_nothing_is_told() {
    let orchard = Orchard::vendored();
    let overlay = "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n  \
                   - {target: \"$.paths['/vegetable']\", description: no greens, remove: true}\n";
    fs::write(orchard.path("specs/fruit/overlay.yaml"), overlay).unwrap();
    let output = orchard.fails(&["codegen"]);
    assert!(
        output.contains("overlay.yaml: action 1 (no greens)"),
        "{output}"
    );
    assert!(
        output.contains("$.paths['/vegetable']: it matches nothing"),
        "{output}"
    );
}

#[test]
fn a_missing_pin_is_told() {
    let orchard = Orchard::vendored();
    fs::remove_file(orchard.path("specs/fruit/upstream.toml")).unwrap();
    for command in [
        vec!["codegen"],
        vec!["vendor", "fruit", "--from", "nowhere.json"],
    ] {
        let output = orchard.fails(&command);
        assert!(
            output.contains("specs/fruit/upstream.toml is missing"),
            "{output}"
        );
    }
}

#[test]
fn an_unknown_service_is_told_with_those_there_are() {
    let output = Orchard::vendored().fails(&["codegen", "vegetable"]);
    assert!(output.contains("no service \"vegetable\""), "{output}");
    assert!(output.contains("are: fruit"), "{output}");
}

#[test]
fn broken_json_and_yaml_are_told_by_line_and_column() {
    let orchard = Orchard::vendored();
    fs::write(
        orchard.path("specs/fruit/openapi.json"),
        "{\n  \"openapi\": }\n",
    )
    .unwrap();
    let output = orchard.fails(&["codegen"]);
    assert!(
        output.contains("openapi.json:2:14: this is not valid JSON"),
        "{output}"
    );

    let orchard = Orchard::vendored();
    fs::write(
        orchard.path("specs/fruit/overlay.yaml"),
        "overlay: 1.0.0\nactions: [\n",
    )
    .unwrap();
    let output = orchard.fails(&["codegen"]);
    assert!(
        output.contains("overlay.yaml:3:1: this is not valid YAML"),
        "{output}"
    );
}

#[test]
fn an_unknown_command_or_option_is_told() {
    let orchard = Orchard::vendored();
    assert!(orchard.fails(&["codgen"]).contains("no command \"codgen\""));
    assert!(orchard.fails(&["codegen", "--chek"]).contains("--chek"));
    assert!(orchard.fails(&["vendor", "fruit"]).contains("--from FILE"));
    assert!(orchard.fails(&["bench", "--quik"]).contains("--quik"));
    assert!(orchard.fails(&["bench", "fast"]).contains("fast"));
    assert!(text(&orchard.run(&["bench", "--help"])).contains("--quick"));
}

#[test]
fn the_normalised_document_can_be_printed() {
    let orchard = Orchard::vendored();
    let output = orchard.run(&["codegen", "--print-normalised", "fruit"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let responses = &document["paths"]["/fruit/{id}"]["get"]["responses"];
    assert!(responses.get("default").is_none() && responses.get("5XX").is_some());
    assert_eq!(
        document["components"]["schemas"]["FruitState"]["x-open-enum"],
        true
    );
}

#[test]
fn vendoring_keeps_facts_and_is_idempotent() {
    let orchard = Orchard::vendored();
    let document = orchard.read("specs/fruit/openapi.json");
    for words in ["Sold", "Fetch", "Ripe", "Rotten", "How it is called"] {
        assert!(
            !document.contains(words),
            "upstream's words came along: {words}"
        );
    }
    let pin = orchard.read("specs/fruit/upstream.toml");
    assert!(pin.starts_with("# Kept by hand.\n"), "{pin}");
    assert!(
        pin.contains("version = \"3\"") && !pin.contains("sha256 = \"\""),
        "{pin}"
    );

    let from = orchard.shown("upstream.json");
    let output = orchard.run(&["vendor", "fruit", "--from", &from]);
    assert_eq!(
        text(&output).matches("unchanged").count(),
        2,
        "{}",
        text(&output)
    );
    assert_eq!(orchard.read("specs/fruit/openapi.json"), document);
    assert_eq!(orchard.read("specs/fruit/upstream.toml"), pin);
}

#[test]
fn vendoring_names_an_operation_that_is_gone() {
    let orchard = Orchard::new();
    orchard.replace(
        "specs/fruit/upstream.toml",
        "\"all\"",
        "[\"get /vegetable\"]",
    );
    let output = orchard.fails(&["vendor", "fruit", "--from", &orchard.shown("upstream.json")]);
    assert!(output.contains("no operation `get /vegetable`"), "{output}");
}

#[test]
fn a_handwritten_document_is_not_vendored() {
    let orchard = Orchard::new();
    fs::remove_file(orchard.path("specs/fruit/upstream.toml")).unwrap();
    fs::rename(
        orchard.path("upstream.json"),
        orchard.path("specs/fruit/openapi.yaml"),
    )
    .unwrap();
    assert!(orchard.run(&["codegen"]).status.success());
    let output = orchard.fails(&["vendor", "fruit", "--from", "nowhere.json"]);
    assert!(output.contains("fruit has no upstream"), "{output}");
}

#[test]
fn the_committed_clients_are_what_the_specs_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = xtask(root, &["codegen", "--check"]);
    assert!(output.status.success(), "{}", text(&output));
}

/// Only where the upstream documents lie beside the checkout.
#[test]
fn vendoring_the_pinned_documents_again_changes_nothing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let upstream = root.join("../shared/upstream");
    for (service, file) in [
        ("dune", "dune/analytics-openapi.json"),
        ("lightdash", "lightdash/swagger-1.237.0.json"),
    ] {
        let from = upstream.join(file);
        if !from.exists() {
            continue;
        }
        let copy = tempfile::tempdir().unwrap();
        let specs = copy.path().join("specs").join(service);
        fs::create_dir_all(&specs).unwrap();
        let committed = root.join("specs").join(service);
        for name in ["openapi.json", "upstream.toml"] {
            fs::copy(committed.join(name), specs.join(name)).unwrap();
        }
        fs::write(specs.join("openapi.json"), "{}").unwrap();
        let output = xtask(
            copy.path(),
            &["vendor", service, "--from", &from.display().to_string()],
        );
        assert!(output.status.success(), "{}", text(&output));
        for name in ["openapi.json", "upstream.toml"] {
            let again = fs::read(specs.join(name)).unwrap();
            assert!(
                again == fs::read(committed.join(name)).unwrap(),
                "{service}/{name} differs"
            );
        }
    }
}
