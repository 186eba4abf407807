//! The name of a type means one thing in a crate: what a `Report` is shouldn't depend on the module that it was imported from.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod sources;

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use sources::{root, sources};

/// Words behind which the name of a type is defined.
const DEFINING: [&str; 4] = ["struct", "enum", "trait", "type"];

/// The names of types that tokens define, tests left out. The associated types of an `impl` or a trait are named by the trait:
/// `is_impl` says that the tokens are what one holds.
fn defined(tokens: TokenStream, is_impl: bool, found: &mut Vec<String>) {
    let mut before = String::new();
    let mut is_test = false;
    let mut opens_impl = false;
    for token in tokens {
        match &token {
            TokenTree::Group(group) => match group.delimiter() {
                Delimiter::Bracket if group.stream().to_string().replace(' ', "") == "cfg(test)" => is_test = true,
                Delimiter::Brace => {
                    // The item behind the attribute ends with its braces.
                    if !is_test {
                        defined(group.stream(), opens_impl, found);
                    }
                    is_test = false;
                    opens_impl = false;
                }
                _ => defined(group.stream(), false, found),
            },
            TokenTree::Punct(sign) if sign.as_char() == ';' => {
                is_test = false;
                opens_impl = false;
            }
            TokenTree::Ident(name) => {
                let is_associated = is_impl && before == "type";
                if DEFINING.contains(&before.as_str()) && !is_test && !is_associated {
                    found.push(name.to_string());
                }
                opens_impl |= name == "impl" || name == "trait";
            }
            _ => {}
        }
        before = token.to_string();
    }
}

#[test]
fn no_crate_of_generator_sdk_and_etl_has_two_types_of_one_name() {
    // By crate and name, the files that define it. What the SDK generates isn't among its sources.
    let mut places: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for path in sources(&["codegen", "etl", "sdk"]) {
        let place = path.strip_prefix(root()).unwrap().display().to_string();
        let Some((name, within)) = place.split_once("/src/") else { continue };
        // The blocking client has the same types under the same names, as if it were a crate of its own.
        let name = if within.starts_with("blocking/") { "sdk/blocking" } else { name };
        // Its verbs are traits called after the methods of HTTP, and one of them is a change of a record, too.
        if within == "resource.rs" {
            continue;
        }
        if place.ends_with("/tests.rs") {
            continue;
        }
        let mut found = Vec::new();
        defined(std::fs::read_to_string(&path).unwrap().parse().unwrap(), false, &mut found);
        for of in found {
            places.entry((name.to_owned(), of)).or_default().push(place.clone());
        }
    }
    assert!(places.len() > 300, "only {} types found: is the layout another one?", places.len());
    let twice = places.iter().filter(|(_, places)| places.len() > 1);
    let twice: Vec<String> = twice.map(|((_, name), places)| format!("{name}: {}", places.join(", "))).collect();
    assert!(twice.is_empty(), "these names are those of several types; call each by what it is:\n{}", twice.join("\n"));
}

#[test]
fn definitions_are_found_wherever_they_stand() {
    let of = |text: &str| {
        let mut found = Vec::new();
        defined(text.parse().unwrap(), false, &mut found);
        found
    };
    assert_eq!(
        of("pub struct A<'a>(&'a str); enum B { C } pub(crate) trait D: E { type F; } type G = H;"),
        ["A", "B", "D", "G"]
    );
    assert_eq!(of("mod m { struct A; } impl B { fn f() { struct C; type D = C; } }"), ["A", "C", "D"]);
    assert_eq!(
        of("impl Iterator for A { type Item = B; } fn f() -> impl Iterator<Item = A> { g() } type C = B;"),
        ["C"]
    );
    assert_eq!(of("fn f() -> impl A { struct B; b() } mod m { type C = D; }"), ["B", "C"]);
    let tests = "#[cfg(test)] struct A; #[cfg(test)] mod tests { struct B; } #[cfg(test)] fn f() -> impl C { struct D; } \
                 /// Like a struct E.\n struct F { r#type: G }";
    assert_eq!(of(tests), ["F"]);
}
