//! Has progenitor generate a client from `openapi.json`, as it comes: no setting, no rewriting.

use std::{error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=openapi.json");
    let document = serde_json::from_str(&fs::read_to_string("openapi.json")?)?;
    let tokens = progenitor_impl::Generator::default().generate_tokens(&document)?;
    let out = std::env::var("OUT_DIR")?;
    fs::write(
        Path::new(&out).join("generated_default.rs"),
        tokens.to_string(),
    )?;
    Ok(())
}
