//! Which modules of a crate import which, read off their tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

/// The modules right below a crate's root, each with those that it imports. What tests import doesn't count.
pub(crate) fn imports(src: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in std::fs::read_dir(src).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if !["lib", "main"].contains(&name.as_str()) {
            read(&path, texts.entry(name).or_default());
        }
    }
    let modules: BTreeSet<String> = texts.keys().cloned().collect();
    let imported = |(name, texts): (String, Vec<String>)| {
        let mut found = BTreeSet::new();
        for text in texts {
            collect(text.parse().unwrap(), &mut found);
        }
        found.retain(|other| *other != name && modules.contains(other));
        (name, found)
    };
    texts.into_iter().map(imported).collect()
}

fn read(path: &Path, texts: &mut Vec<String>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            read(&entry.unwrap().path(), texts);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
        texts.push(std::fs::read_to_string(path).unwrap());
    }
}

/// The first names behind every `crate::`, those within braces too.
fn collect(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.to_string() == word);
    let mut skipped = None;
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            if is(at, "crate") && is(at + 1, ":") && is(at + 2, ":") {
                match tokens.get(at + 3) {
                    Some(TokenTree::Ident(name)) => drop(found.insert(name.to_string())),
                    Some(TokenTree::Group(group)) => firsts(group.stream(), found),
                    _ => {}
                }
            }
            continue;
        };
        if group.to_string().replace(' ', "") == "[cfg(test)]" && is(at + 1, "mod") {
            skipped = Some(at + 3);
        }
        if skipped != Some(at) {
            collect(group.stream(), found);
        }
    }
}

fn firsts(tokens: TokenStream, found: &mut BTreeSet<String>) {
    let mut is_first = true;
    for token in tokens {
        match &token {
            TokenTree::Ident(name) if is_first => drop(found.insert(name.to_string())),
            _ => {}
        }
        is_first = matches!(&token, TokenTree::Punct(sign) if sign.as_char() == ',');
    }
}

/// Modules that import each other in a ring, the first of them also as the last; `None` where there is no ring.
pub(crate) fn cycle(imports: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    imports.keys().find_map(|module| visit(module, imports, &mut Vec::new(), &mut done))
}

fn visit(
    module: &str,
    imports: &BTreeMap<String, BTreeSet<String>>,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(at) = way.iter().position(|before| before == module) {
        return Some(way[at..].iter().cloned().chain([module.to_owned()]).collect());
    }
    if done.contains(module) {
        return None;
    }
    way.push(module.to_owned());
    let found = imports.get(module).into_iter().flatten().find_map(|next| visit(next, imports, way, done));
    way.pop();
    done.insert(module.to_owned());
    found
}

#[test]
fn a_ring_is_found_and_imports_of_tests_are_none() {
    let of = |text: &str| {
        let mut found = BTreeSet::new();
        collect(text.parse().unwrap(), &mut found);
        found.into_iter().collect::<Vec<_>>()
    };
    let text = "use crate::a::{b, c}; use crate::{d, e::f}; fn x() { crate::g::h(super::i) } \
                #[cfg(test)] mod tests { use crate::j; }";
    assert_eq!(of(text), ["a", "d", "e", "g"]);
    let graph = |edges: &[(&str, &[&str])]| {
        let edge = |(from, to): &(&str, &[&str])| {
            ((*from).to_owned(), to.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>())
        };
        edges.iter().map(edge).collect::<BTreeMap<_, _>>()
    };
    assert_eq!(cycle(&graph(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])), None);
    let ring = cycle(&graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).unwrap();
    assert_eq!(ring, ["b", "c", "b"]);
}
