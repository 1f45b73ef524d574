#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rowfeed::fuzzing::trino_type(data));
