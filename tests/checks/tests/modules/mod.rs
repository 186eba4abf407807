//! Which modules of a crate import which, read off their tokens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};

/// The modules right below a crate's root, each with those that it imports, by their own names or by what the root hands out of them.
/// What tests import doesn't count.
pub(crate) fn imports(src: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let mut files: BTreeMap<String, Vec<(usize, String)>> = BTreeMap::new();
    let mut handed_out = BTreeMap::new();
    for entry in std::fs::read_dir(src).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if ["lib", "main"].contains(&name.as_str()) {
            hand_out(std::fs::read_to_string(&path).unwrap().parse().unwrap(), &mut handed_out);
        } else {
            read(&path, 1, files.entry(name).or_default());
        }
    }
    let imported = |(name, texts): (&String, &Vec<(usize, String)>)| {
        let mut found = BTreeSet::new();
        for (depth, text) in texts {
            collect(text.parse().unwrap(), *depth, &mut found);
        }
        let module = |other: String| handed_out.get(&other).cloned().unwrap_or(other);
        let found = found.into_iter().map(module);
        (name.clone(), found.filter(|other| other != name && files.contains_key(other)).collect())
    };
    files.iter().map(imported).collect()
}

/// The texts of a module's files, each with how many steps up the crate's root is.
fn read(path: &Path, depth: usize, texts: &mut Vec<(usize, String)>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            let below = entry.unwrap().path();
            let is_own = below.file_stem().is_some_and(|name| name == "mod");
            read(&below, if is_own { depth } else { depth + 1 }, texts);
        }
    } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
        texts.push((depth, std::fs::read_to_string(path).unwrap()));
    }
}

/// Names that `pub use module::{..}` gives to the root, each with its module.
fn hand_out(tokens: TokenStream, names: &mut BTreeMap<String, String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, _) in tokens.iter().enumerate().filter(|(_, token)| token.to_string() == "use") {
        let Some(module) = tokens.get(at + 1).map(ToString::to_string) else { continue };
        match tokens.get(at + 4) {
            Some(TokenTree::Ident(name)) => drop(names.insert(name.to_string(), module)),
            Some(TokenTree::Group(group)) => {
                let mut found = BTreeSet::new();
                firsts(group.stream(), &mut found);
                names.extend(found.into_iter().map(|name| (name, module.clone())));
            }
            _ => {}
        }
    }
}

/// The first names behind every `crate::`, and every `super::` that leads to the root, those within braces too.
fn collect(tokens: TokenStream, depth: usize, found: &mut BTreeSet<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.to_string() == word);
    let follows = |at: usize, word: &str| is(at, word) && is(at + 1, ":") && is(at + 2, ":");
    let mut skipped = None;
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else {
            let is_first = at < 3 || !is(at - 1, ":");
            let supers = (0..).take_while(|step| follows(at + 3 * step, "super")).count();
            let start = match supers {
                _ if follows(at, "crate") => Some(at + 3),
                supers if supers == depth && is_first => Some(at + 3 * supers),
                _ => None,
            };
            match start.and_then(|start| tokens.get(start)) {
                Some(TokenTree::Ident(name)) => drop(found.insert(name.to_string())),
                Some(TokenTree::Group(group)) => firsts(group.stream(), found),
                _ => {}
            }
            continue;
        };
        if group.to_string().replace(' ', "") == "[cfg(test)]" && is(at + 1, "mod") {
            skipped = Some(at + 3);
        }
        if skipped != Some(at) {
            collect(group.stream(), depth, found);
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
        collect(text.parse().unwrap(), 2, &mut found);
        found.into_iter().collect::<Vec<_>>()
    };
    let text = "use crate::a::{b, c}; use crate::{d, e::f}; fn x() { crate::g::h(super::i) } \
                use super::super::{k, l::m}; fn y() { super::super::n::o() } \
                #[cfg(test)] mod tests { use crate::j; }";
    assert_eq!(of(text), ["a", "d", "e", "g", "k", "l", "n"]);
    let mut names = BTreeMap::new();
    hand_out("mod a; pub use a::{B, c}; pub use d::E;".parse().unwrap(), &mut names);
    let names: Vec<(String, String)> = names.into_iter().collect();
    let pair = |name: &str, module: &str| (name.to_owned(), module.to_owned());
    assert_eq!(names, [pair("B", "a"), pair("E", "d"), pair("c", "a")]);
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
