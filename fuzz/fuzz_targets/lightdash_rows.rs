#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rowfeed::fuzzing::lightdash_rows(data));
