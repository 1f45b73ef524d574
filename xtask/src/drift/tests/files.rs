//! From files to exit codes.

use std::{fs, path::PathBuf, process::ExitCode};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    super::{compare, run},
    answers, document,
};
use crate::workspace::{Service, Workspace};

/// A checkout with one service, which keeps one operation.
struct House {
    root: TempDir,
    service: Service,
}

impl House {
    fn new(vendored: &Value) -> Self {
        let root = TempDir::new().unwrap();
        let specs = root.path().join("specs/kites");
        fs::create_dir_all(&specs).unwrap();
        fs::write(specs.join("openapi.json"), vendored.to_string()).unwrap();
        let pin = "source = \"s\"\nversion = \"1\"\ndate = \"2026-01-01\"\nsha256 = \"0\"\n\
                   license = \"MIT\"\noperations = [\"get /kites\"]\n";
        fs::write(specs.join("upstream.toml"), pin).unwrap();
        let service = Workspace::new(root.path()).service("kites").unwrap();
        Self { root, service }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn code(&self, upstream: &Value) -> ExitCode {
        let file = self.file("upstream.json", &upstream.to_string());
        run(&self.service, &file, true, false).unwrap()
    }
}

fn kites(schema: Value) -> Value {
    document("1", &json!({"/kites": answers(&schema)}), &json!({}))
}

#[test]
fn exit_codes_distinguish_no_change_changes_and_breaking_changes() {
    let vendored = kites(json!({"type": "string", "enum": ["a", "b"]}));
    let house = House::new(&vendored);
    assert_eq!(house.code(&vendored), ExitCode::SUCCESS);
    let wider = kites(json!({"type": "string", "enum": ["a", "b", "c"]}));
    assert_eq!(house.code(&wider), ExitCode::from(10));
    assert_eq!(
        house.code(&kites(json!({"type": "integer"}))),
        ExitCode::from(20)
    );
}

#[test]
fn upstream_documentation_and_other_operations_are_not_changes() {
    let house = House::new(&kites(json!({"type": "string"})));
    let mut upstream = kites(json!({"type": "string", "description": "Words.", "example": "x"}));
    upstream["paths"]["/kites"]["get"]["summary"] = json!("Words.");
    upstream["paths"]["/other"] = answers(&json!({"type": "integer"}));
    assert_eq!(house.code(&upstream), ExitCode::SUCCESS);
}

#[test]
fn yaml_is_accepted() {
    let house = House::new(&kites(json!({"type": "string"})));
    let yaml = "\
openapi: 3.0.3
info: {title: Kites, version: '2'}
paths:
  /kites:
    get:
      operationId: getKite
      responses:
        '200':
          description: ''
          content: {application/json: {schema: {type: integer}}}
";
    let report = compare(&house.service, &house.file("upstream.yaml", yaml)).unwrap();
    assert_eq!((report.code(), report.new_version.as_str()), (20, "2"));
}

#[test]
fn the_error_names_a_file_that_is_not_a_document() {
    let house = House::new(&kites(json!({})));
    let file = house.file("upstream.json", "{\"paths\": {}}");
    let error = format!("{:#}", compare(&house.service, &file).err().unwrap());
    assert!(
        error.contains("upstream.json") && error.contains("`openapi` is missing"),
        "{error}"
    );
}

#[test]
fn a_handwritten_service_has_no_drift() {
    let house = House::new(&kites(json!({})));
    let specs = house.root.path().join("specs/kites");
    fs::remove_file(specs.join("openapi.json")).unwrap();
    fs::remove_file(specs.join("upstream.toml")).unwrap();
    fs::write(specs.join("openapi.yaml"), "openapi: 3.0.3\n").unwrap();
    let file = house.file("upstream.json", "{}");
    let error = format!("{:#}", compare(&house.service, &file).err().unwrap());
    assert!(
        error.contains("specs/kites/openapi.yaml is written by hand"),
        "{error}"
    );
}
