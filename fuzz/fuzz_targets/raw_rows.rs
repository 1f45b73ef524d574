#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| rowfeed_client::fuzzing::rows(data));
