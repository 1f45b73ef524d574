//! Upstream documents and overlays. The maintainer commands are not a library, so this target
//! includes their modules.
#![no_main]
#![allow(dead_code, unused_imports)]

#[path = "../../xtask/src/document.rs"]
mod document;
#[path = "../../xtask/src/fuzzing.rs"]
mod fuzzing;
#[path = "../../xtask/src/normalize/mod.rs"]
mod normalize;
#[path = "../../xtask/src/overlay/mod.rs"]
mod overlay;
#[path = "../../xtask/src/upstream.rs"]
mod upstream;
#[path = "../../xtask/src/vendor.rs"]
mod vendor;
#[path = "../../xtask/src/workspace.rs"]
mod workspace;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::documents(data));
