//! The fuzz targets that need no lakehouse, on their corpus and changes of it. `tests/fuzz` has them for libFuzzer.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking"
)]

// The file and not the crate, which would link the ETL.
#[path = "../../src/draws.rs"]
#[allow(unreachable_pub, reason = "it is public in the crate that it is of")]
mod draws;
#[path = "../../fuzz/src/light.rs"]
mod light;
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;

#[test]
fn splitting_a_page_into_records() {
    mutate::feed("records", light::records);
}

#[test]
fn reading_a_condition() {
    mutate::feed("conditions", light::conditions);
}

#[test]
fn importing_an_interface_document() {
    mutate::feed("interface", light::interface);
}
