//! Hostile documents: text that would be code, endless work, conflicting names. Each is refused
//! with an error, or the generated code compiles and runs nothing of the document.

#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

const PIN: &str = "source = \"invented\"\nversion = \"0\"\ndate = \"2020-01-01\"\nsha256 = \"\"\n\
                   license = \"none\"\noperations = \"all\"\n";

/// A folder with the layout of the workspace and the service `trap`.
struct Trap(TempDir);

impl Trap {
    /// Creates the folder with a vendored document.
    fn with(document: &Value) -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        fs::create_dir_all(this.path("specs/trap")).unwrap();
        fs::write(this.path("specs/trap/upstream.toml"), PIN).unwrap();
        fs::write(this.path("specs/trap/openapi.json"), document.to_string()).unwrap();
        this
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .arg("--root")
            .arg(self.0.path())
            .output()
            .unwrap()
    }

    fn vendor(&self, document: &str) -> Output {
        let file = self.path("upstream.json");
        fs::write(&file, document).unwrap();
        self.run(&["vendor", "trap", "--from", &file.display().to_string()])
    }
}

/// Returns the output of a run that must fail with a short error message.
#[track_caller]
fn refused(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        !said.contains("panicked at") && !said.contains("overflowed"),
        "{said}"
    );
    said
}

fn to(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A document with one operation, whose response has the schema `A`.
fn document(schemas: Value) -> Value {
    json!({
        "openapi": "3.0.3", "info": {"title": "Trap", "version": "1"},
        "paths": {"/a": {"get": {"operationId": "getA", "responses": {"200": {
            "description": "", "content": {"application/json": {"schema": to("A")}}}}}}},
        "components": {"schemas": schemas}
    })
}

#[test]
fn control_characters_in_facts_are_refused_by_vendor_with_their_pointer() {
    for (pointer, text) in [
        ("/info/version", "1\ncompile_error!(\"run\");"),
        ("/paths/~1a/get/operationId", "get\u{202e}A"),
        ("/components/schemas/A/enum/0", "x\r\n```\npanic!()"),
        ("/components/schemas/A/pattern", "\u{1b}[2J"),
    ] {
        let mut document = document(json!({"A": {"type": "string", "enum": ["x"], "pattern": ""}}));
        *document.pointer_mut(pointer).unwrap() = json!(text);
        let trap = Trap::with(&document);
        let said = refused(&trap.vendor(&document.to_string()));
        assert!(
            said.contains("upstream.json") && said.contains(pointer),
            "{said}"
        );
        assert!(said.contains("control character U+"), "{said}");
        // A document that was not vendored fails in the next check.
        let said = refused(&trap.run(&["codegen"]));
        assert!(
            said.contains("specs/trap/openapi.json") && said.contains(pointer),
            "{said}"
        );
    }
}

#[test]
fn endless_schemas_are_refused_with_file_operation_and_pointer() {
    let chain = |count: usize| {
        let links = (0..count).map(|at| (format!("L{at}"), to(&format!("L{}", at + 1))));
        let mut schemas: serde_json::Map<String, Value> = links.collect();
        schemas.insert(format!("L{count}"), json!({"type": "string"}));
        schemas.insert("A".into(), to("L0"));
        Value::Object(schemas)
    };
    let mut unions = serde_json::Map::new();
    for level in 0..13 {
        let next = if level == 12 {
            json!({"type": "object"})
        } else {
            to(&format!("U{}", level + 1))
        };
        let arm =
            json!({"allOf": [next, {"type": "object", "properties": {"a": {"type": "string"}}}]});
        unions.insert(format!("U{level}"), json!({"oneOf": [arm, arm, arm]}));
    }
    unions.insert("A".into(), to("U0"));
    for (schemas, wanted) in [
        (
            json!({"A": {"allOf": [to("A")]}}),
            "consists of itself (A → A)",
        ),
        (
            json!({"A": to("B"), "B": to("A")}),
            "consists of itself (A → B → A)",
        ),
        (
            json!({"A": {"allOf": [to("B"), {"type": "object"}]}, "B": {"allOf": [to("A")]}}),
            "consists of itself",
        ),
        (Value::Object(unions), "alternatives, the maximum is"),
        (chain(2_000), "schemas are nested from here"),
    ] {
        let document = document(schemas);
        let trap = Trap::with(&document);
        let start = Instant::now();
        for output in [trap.run(&["codegen"]), trap.vendor(&document.to_string())] {
            let said = refused(&output);
            assert!(
                said.contains(wanted) && said.contains("/components/schemas/"),
                "{said}"
            );
            assert!(
                said.contains("json") && said.contains("getA (GET /a)"),
                "{said}"
            );
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "{:?}",
            start.elapsed()
        );
    }
}

#[test]
fn an_overlay_that_makes_a_schema_consist_of_itself_is_refused() {
    let trap = Trap::with(&document(json!({"A": {"type": "object"}})));
    let overlay = "overlay: 1.0.0\ninfo: {title: t, version: '1'}\nactions:\n  \
                   - {target: $.components.schemas.A, update: {allOf: [{$ref: '#/components/schemas/A'}]}}\n";
    fs::write(trap.path("specs/trap/overlay.yaml"), overlay).unwrap();
    assert!(refused(&trap.run(&["codegen"])).contains("consists of itself (A → A)"));
}

#[test]
fn duplicate_keys_are_refused_in_json_and_yaml() {
    let trap = Trap::with(&document(json!({"A": {"type": "string"}})));
    let twice = document(json!({"A": {}}))
        .to_string()
        .replace("\"A\":{}", "\"A\":{},\"A\":{}");
    assert!(refused(&trap.vendor(&twice)).contains("duplicate key \"A\""));
    let overlay = "overlay: 1.0.0\ninfo: {}\ninfo: {}\nactions: []\n";
    fs::write(trap.path("specs/trap/overlay.yaml"), overlay).unwrap();
    assert!(refused(&trap.run(&["codegen"])).contains("duplicate key \"info\""));
}

#[test]
fn output_has_no_terminal_control_characters() {
    let old = document(json!({"A": {"type": "object", "properties": {"a": {"type": "string"}}}}));
    let trap = Trap::with(&old);
    let mut new = old.clone();
    new["info"]["version"] = json!("2\u{1b}[31m");
    new["paths"]["/a"]["get"]["operationId"] = json!("x\u{1b}]0;title\u{7}\n== Breaking (0) ==");
    new["components"]["schemas"]["A"]["properties"] = json!({"b\u{202e}": {"type": "string"}});
    let file = trap.path("new.json");
    fs::write(&file, new.to_string()).unwrap();
    for more in [&[][..], &["--json"], &["--all"]] {
        let from = file.display().to_string();
        let arguments = [&["drift", "trap", "--from", &from][..], more].concat();
        let output = trap.run(&arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("u{1b}") || text.contains("u001b"), "{text}");
        let steers = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(steers), "{text:?}");
        assert!(!text.contains("\n== Breaking (0) =="), "{text}");
    }
}

/// A small deterministic random number generator.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as usize) % end.max(1)
    }

    /// Text that tries to escape from its place. `lines`: with line breaks.
    fn text(&mut self, lines: bool) -> String {
        const PIECES: [&str; 24] = [
            "*/",
            "/*",
            "//",
            "\"",
            "\\",
            "'",
            "`",
            "```",
            "```rust",
            "~~~",
            "#[doc = \"x\"]",
            "\"#]",
            "{",
            "}",
            "{}",
            "<script>alert(1)</script>",
            "<!--",
            "- ",
            "    ",
            "> ",
            "1. ",
            "compile_error!(\"run\");",
            "mod x {",
            "]]>",
        ];
        const BREAKS: [&str; 5] = ["\n", "\r", "\r\n", "\n\n", "\u{2028}"];
        let mut out = String::new();
        for _ in 0..=self.below(8) {
            match self.below(4) {
                0 if lines => out.push_str(BREAKS[self.below(BREAKS.len())]),
                1 => out.extend(char::from_u32(self.below(0x2_ffff) as u32).filter(|c| {
                    let is_control = c.is_control()
                        || matches!(*c, '\u{61c}' | '\u{200e}'..='\u{200f}'
                        | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
                        | '\u{fff9}'..='\u{fffb}');
                    lines || !is_control
                })),
                _ => out.push_str(PIECES[self.below(PIECES.len())]),
            }
        }
        if lines && self.below(2) == 0 {
            let code = "compile_error!(\"a description was compiled\");";
            out.push_str(&format!(
                "\n```\n{code}\n```\n\n    {code}\n\n-     {code}\n\n~~~rust\n{code}"
            ));
        }
        out
    }

    fn prose(&mut self) -> String {
        self.text(true)
    }

    /// A name that is unique in the document, and in Rust.
    fn name(&mut self, stem: &str) -> String {
        format!("{stem}{}", self.text(false))
    }
}

/// A document in which every string is hostile.
fn hostile(random: &mut Random) -> Value {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    for (at, ty) in ["string", "integer", "boolean", "number"]
        .into_iter()
        .enumerate()
    {
        let name = random.name(&format!("field{at}"));
        required.push(name.clone());
        properties.insert(name, json!({"type": ty, "description": random.prose()}));
    }
    // Equal in Rust, or reserved by generated code.
    for name in [
        "userId", "user_id", "user-id", "self", "type", "extra", "Self", "client",
    ] {
        properties.insert(
            name.into(),
            json!({"type": "string", "description": random.prose()}),
        );
    }
    let values = ["Err", "Ok", "Self", "Unknown", "Error", "None"].map(str::to_owned);
    let values: Vec<String> = values
        .into_iter()
        .chain([random.name("first"), random.name("second")])
        .collect();
    properties.insert("state".into(), to("State"));
    properties.insert(
        "only".into(),
        json!({"type": "string", "enum": [random.name("constant")]}),
    );
    let arm = |random: &mut Random, stem: &str| {
        json!({"type": "object", "title": random.name(stem), "required": [stem], "properties": {
            stem: {"type": "string", "description": random.prose()}}})
    };
    let union = json!({"oneOf": [arm(random, "left"), arm(random, "right")],
                       "description": random.prose()});
    properties.insert("union".into(), union);
    let parameter = |random: &mut Random, name: &str, place: &str| {
        json!({"name": name, "in": place, "required": place == "path",
               "description": random.prose(), "schema": {"type": "string"}})
    };
    let query = random.name("query");
    let parameters: Vec<Value> = [
        ("id", "path"),
        ("client", "query"),
        ("pageSize", "query"),
        ("page_size", "query"),
        ("body", "query"),
        ("id", "query"),
        ("new", "query"),
        ("header_map", "query"),
        ("request", "query"),
        ("value", "query"),
        ("X-Limit", "header"),
        (&query, "query"),
    ]
    .into_iter()
    .map(|(name, place)| parameter(random, name, place))
    .collect();
    let answer = json!({"description": random.prose(), "content": {"application/json": {
        "schema": to("A")}}});
    let operation = |random: &mut Random, id: &str| {
        json!({"operationId": id, "summary": random.prose(), "description": random.prose(),
               "parameters": parameters, "responses": {"200": answer, "204": {"description": ""},
               "default": {"description": random.prose(), "content": {"application/json": {
                   "schema": to("Failure")}}}},
               "requestBody": {"description": random.prose(), "content": {"application/json": {
                   "schema": to("A")}}}})
    };
    let mut paths = serde_json::Map::new();
    for id in ["result", "exec", "clone", "error", "ordinary"] {
        let path = format!(
            "/{id}{}/{{id}}",
            random.text(false).replace(['{', '}', '?', '#'], "")
        );
        paths.insert(path, json!({"post": operation(random, id)}));
    }
    let mut schemas = json!({
        "A": {"type": "object", "required": required, "properties": properties,
              "description": random.prose()},
        "State": {"type": "string", "enum": values, "description": random.prose(),
                  "x-enum-descriptions": {"Err": random.prose()}},
        "Failure": {"type": "object", "properties": {"message": {"type": "string"}}},
    });
    for name in ["Result", "Option", "Ok", "Default", "String", "Vec"] {
        schemas[name] = json!({"type": "object", "description": random.prose(), "properties": {
            "a": {"type": "string"}}});
        schemas["A"]["properties"][name] = to(name);
    }
    json!({
        "openapi": "3.0.3",
        "info": {"title": random.text(false), "version": random.text(false),
                 "description": random.prose()},
        "paths": paths, "components": {"schemas": schemas}
    })
}

/// The crate of the generated code, as `new-service` writes it, without callers.
///
/// Each crate has a distinct version, because cargo treats packages with the same name and version
/// in one target folder as equal.
fn write_crate(trap: &Trap, number: usize) {
    let krate = trap.path("crates/trap");
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let client = here.join("crates/client").display().to_string();
    let manifest = format!(
        "[package]\nname = \"trap\"\nversion = \"0.1.{number}\"\nedition = \"2024\"\n\n[workspace]\n\n\
         [dependencies]\nindexmap = {{ version = \"2\", features = [\"serde\"] }}\n\
         reqwest = {{ version = \"0.13\", default-features = false, features = [\"json\", \"query\", \"stream\"] }}\n\
         rowfeed-client = {{ path = {client:?}, default-features = false }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\nserde_json = \"1\"\n\n\
         [features]\nschemars = []\n"
    );
    fs::create_dir_all(krate.join("src")).unwrap();
    fs::write(krate.join("Cargo.toml"), manifest).unwrap();
    fs::copy(here.join("Cargo.lock"), krate.join("Cargo.lock")).unwrap();
    let library = "#[allow(unused_imports, dead_code)]\nmod generated;\n\
                   pub use generated::{Client, builder, types};\n\
                   impl rowfeed_client::ServiceError for types::Failure {\n    \
                   fn message(&self) -> Option<String> { None }\n}\n\
                   // In place of `client_builder!`: the setters of headers call it.\n\
                   impl Client {\n    \
                   fn with_header(&self, _: impl AsRef<str>, _: impl AsRef<str>) -> Self {\n        \
                   self.clone()\n    }\n}\n\
                   pub type CallError = rowfeed_client::CallError<types::Failure>;\n";
    fs::write(krate.join("src/lib.rs"), library).unwrap();
}

/// The code that is generated from hostile documents contains no code of theirs. Each of their
/// descriptions would be a compile error.
#[test]
fn hostile_text_is_neither_compiled_nor_run() {
    let mut random = Random(11);
    let mut traps = Vec::new();
    for number in 0..12 {
        let trap = Trap::with(&hostile(&mut random));
        // As a hand-written document, so its sentences are kept.
        fs::rename(
            trap.path("specs/trap/openapi.json"),
            trap.path("specs/trap/openapi.yaml"),
        )
        .unwrap();
        fs::remove_file(trap.path("specs/trap/upstream.toml")).unwrap();
        write_crate(&trap, number);
        let output = trap.run(&["codegen"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        traps.push(trap);
    }
    // One document is compiled, with its examples through rustdoc. The others differ only in text.
    // HOSTILE_CRATES=12 compiles all of them.
    let count = std::env::var("HOSTILE_CRATES").ok();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(1);
    let target = Path::new(env!("CARGO_BIN_EXE_xtask"))
        .ancestors()
        .nth(2)
        .unwrap();
    for trap in traps.iter().take(count) {
        let output = Command::new(env!("CARGO"))
            .args(["test", "--offline", "--doc"])
            .current_dir(trap.path("crates/trap"))
            .env("CARGO_TARGET_DIR", target.join("hostile"))
            .output()
            .unwrap();
        let said =
            [&output.stdout, &output.stderr].map(|b| String::from_utf8_lossy(b).into_owned());
        let said = said.concat();
        assert!(output.status.success(), "{said}");
        // The examples of the five operations are ours. They are compiled and not run.
        assert!(said.contains("running 5 tests"), "{said}");
        assert_eq!(said.matches(" - compile ... ok").count(), 5, "{said}");
    }
}
