#![no_main]

#[path = "../src/lakehouse.rs"]
#[allow(dead_code, reason = "the other targets are in it too")]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::environment(bytes));
