//! Errors are worded in error modules: whoever fails names the kind of failure and what it is about, and one place has the sentence.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sources;

use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use sources::{root, sources};

/// What makes an error of a kind and a sentence. `Error::internal` is none: a case that can't be has its sentence where it isn't
/// expected, and nobody tells such cases apart.
const WORDING: [&str; 2] = ["new", "usage"];

/// Crates whose errors are a kind and a sentence.
const CRATES: [&str; 9] = [
    "etl/cli/src",
    "etl/compute/src",
    "etl/datafiles/src",
    "etl/extract/src",
    "etl/lakehouse/src",
    "etl/pipeline/src",
    "etl/storage/src",
    "etl/upkeep/src",
    "python/src",
];

/// Whether a file is an error module: `error.rs`, and what stands in a folder beside it.
fn is_error_module(path: &Path) -> bool {
    let is_error = |name: Option<&std::ffi::OsStr>| name.is_some_and(|name| name == "error" || name == "errors");
    is_error(path.file_stem()) || is_error(path.parent().and_then(Path::file_name))
}

/// The errors that tokens word, as `Error::new`. Those of other libraries (`io::Error`) aren't ours, and tests may make any.
fn worded(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.to_string() == word);
    // `io`, `:` and `:` before `Error`.
    let is_foreign = |at: usize| at >= 3 && is(at - 1, ":") && is(at - 2, ":") && is(at - 3, "io");
    let mut is_test = false;
    for (at, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => match group.delimiter() {
                Delimiter::Bracket if group.stream().to_string().replace(' ', "") == "cfg(test)" => is_test = true,
                // The item behind the attribute ends with its braces.
                Delimiter::Brace if is_test => is_test = false,
                _ => worded(group.stream(), found),
            },
            TokenTree::Punct(sign) if sign.as_char() == ';' => is_test = false,
            TokenTree::Ident(name) if name == "Error" && !is_test && !is_foreign(at) => {
                let function = WORDING.iter().find(|function| is(at + 3, function));
                if let Some(function) = function.filter(|_| is(at + 1, ":") && is(at + 2, ":")) {
                    found.push(format!("Error::{function}"));
                }
            }
            _ => {}
        }
    }
}

fn worded_in(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    worded(std::fs::read_to_string(path).unwrap().parse().unwrap(), &mut found);
    found
}

#[test]
fn errors_are_worded_in_error_modules() {
    let mut elsewhere = Vec::new();
    for path in sources(&CRATES) {
        if is_error_module(&path) || path.ends_with("tests.rs") {
            continue;
        }
        let found = worded_in(&path);
        let place = path.strip_prefix(root()).unwrap().display().to_string();
        elsewhere.extend(found.into_iter().map(|what| format!("{place}: {what}")));
    }
    assert!(
        elsewhere.is_empty(),
        "these word an error themselves; give the failure a constructor in the crate's error module:\n{}",
        elsewhere.join("\n")
    );
}

#[test]
fn wording_is_found_wherever_it_stands() {
    let of = |text: &str| {
        let mut found = Vec::new();
        worded(text.parse().unwrap(), &mut found);
        found
    };
    assert_eq!(of("fn f() -> Error { Error::new(Kind::Io, \"x\") }"), ["Error::new"]);
    assert_eq!(of("let f = || lakehouse::Error::usage(format!(\"{x}\"));"), ["Error::usage"]);
    assert_eq!(of("since.transpose().map_err(crate::error::Error::usage)?;"), ["Error::usage"]);
    let others = "io::Error::new(kind, why); std::io::Error::new(kind, why); Error::unreadable(table); Error::internal(what); \
                  error::usage(x); ErrorKind::new(x);";
    assert_eq!(of(others), [""; 0]);
    let tests = "#[cfg(test)] mod tests { fn f() { Error::new(kind, why) } } #[cfg(test)] use x::Error; \
                 #[cfg(test)] fn g() { Error::new(kind, why) } fn h() { Error::usage(why) }";
    assert_eq!(of(tests), ["Error::usage"]);
}
