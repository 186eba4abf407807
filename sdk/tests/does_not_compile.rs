//! What the API doesn't have doesn't compile, and the compiler says why.
//!
//! The expected messages are those of the toolchain that rust-toolchain.toml pins; after another one is pinned,
//! `TRYBUILD=overwrite` writes them anew.

#[test]
fn what_the_api_does_not_have_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/does_not_compile/*.rs");
}
