#![no_main]

#[path = "../../crates/rowfeed/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::csv_pages(data));
