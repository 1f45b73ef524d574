#![no_main]

#[path = "../../crates/arrow/properties/batches.rs"]
mod batches;
#[path = "../../crates/rows/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    properties::lightdash_rows(data);
    for (columns, rows) in properties::lightdash_tables(data) {
        let _ = batches::agree(&columns, rows);
    }
});
