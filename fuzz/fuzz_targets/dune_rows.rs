#![no_main]

#[path = "../../crates/arrow/properties/batches.rs"]
mod batches;
#[path = "../../crates/rows/properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    properties::dune_rows(data);
    for (columns, rows) in properties::dune_tables(data) {
        let _ = batches::agree(&columns, rows);
    }
});
