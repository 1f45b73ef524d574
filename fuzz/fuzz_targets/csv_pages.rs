#![no_main]

#[path = "../../crates/rows/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::csv_pages(data));
