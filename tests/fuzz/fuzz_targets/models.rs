#![no_main]

#[path = "../src/etl.rs"]
#[allow(dead_code, reason = "the other targets are in it too")]
mod targets;
#[path = "../../../etl/extract/tests/decode/tree.rs"]
#[allow(dead_code, reason = "only the decoder's target reads with it")]
mod tree;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::models(bytes));
