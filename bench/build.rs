//! Generates clients with progenitor's default settings and without changes: from `openapi.json`
//! for the measurements, and from `behavior.json`, which also has runs, for the comparison of
//! behavior.

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    let out = std::env::var("OUT_DIR")?;
    for (document, client) in [
        ("openapi.json", "generated_default.rs"),
        ("behavior.json", "generated_behavior.rs"),
    ] {
        println!("cargo::rerun-if-changed={document}");
        let document = serde_json::from_str(&fs::read_to_string(document)?)?;
        let tokens = progenitor_impl::Generator::default().generate_tokens(&document)?;
        fs::write(Path::new(&out).join(client), tokens.to_string())?;
    }
    Ok(())
}
