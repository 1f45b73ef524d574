#![no_main]

#[expect(dead_code, reason = "other targets use the rest")]
#[path = "../../crates/rowfeed/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| properties::cursors(data));
