//! Names that come with features which aren't enabled, as items that are never compiled: whoever uses one without its
//! feature is told by the compiler which one it is.

use std::collections::BTreeSet;

/// A type that comes with one of these features.
pub(crate) fn item(features: &BTreeSet<&str>, name: &str) -> String {
    format!("{}pub struct {name};\n", gate(features))
}

/// A module that comes with one of these features.
pub(crate) fn module(features: &BTreeSet<&str>, name: &str) -> String {
    format!("{}pub mod {name} {{}}\n", gate(features))
}

fn gate(features: &BTreeSet<&str>) -> String {
    let all: Vec<String> = features.iter().map(|feature| format!("feature = {feature:?}")).collect();
    match all.as_slice() {
        [] => "#[cfg(feature = \"full\")]\n".to_owned(),
        [one] => format!("#[cfg({one})]\n"),
        several => format!("#[cfg(any({}))]\n", several.join(", ")),
    }
}
