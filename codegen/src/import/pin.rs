//! The pin in `api.toml`: two lines of `[document]`; all else in the file is written by hand and stays.

use std::collections::BTreeSet;

use heck::ToSnakeCase;

use crate::document::Document;
use crate::fixups::is_template;
use crate::secrets::Secrets;

/// The text with another pin.
pub(super) fn pin(text: &str, version: &str, sha256: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut inside = false;
    let mut found = false;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            inside = trimmed == "[document]";
            lines.push(line.to_owned());
            if inside {
                found = true;
                lines.push(format!("version = {version:?}"));
                lines.push(format!("sha256 = {sha256:?}"));
            }
            continue;
        }
        let key = trimmed.split('=').next().unwrap_or_default().trim();
        if !(inside && matches!(key, "version" | "sha256")) {
            lines.push(line.to_owned());
        }
    }
    let mut pinned = lines.join("\n") + "\n";
    if !found {
        pinned = format!("[document]\nversion = {version:?}\nsha256 = {sha256:?}\n\n{pinned}");
    }
    pinned
}

/// Names of texts that are secrets wherever there are such.
const SECRETS: [&str; 8] = [
    "password",
    "*Password",
    "token",
    "privateKey",
    "encryptionKey",
    "licenseKey",
    "clientSecret",
    "CustomFieldValue/value",
];

/// An `api.toml` for a folder that has none: one module a first path segment, what `Debug` must not show, and the paths that can't be
/// called.
pub(super) fn fresh(document: &Document, version: &str, sha256: &str) -> String {
    let operations = document.operations();
    let prefix = |path: &str| path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    let prefixes: BTreeSet<String> = operations.iter().map(|operation| prefix(operation.path)).collect();
    let mut text = pin("", version, sha256);
    text.push_str("[modules]\n");
    for prefix in prefixes {
        text.push_str(&format!("{prefix:?} = {:?}\n", prefix.to_snake_case()));
    }
    let secrets: Vec<&str> = SECRETS.into_iter().filter(|pattern| Secrets::matches(document, pattern)).collect();
    text.push_str(&format!(
        "\n[models]\n# Texts that `Debug` never shows, by property name or `Schema/name`: look for more.\nsecrets = {secrets:?}\n"
    ));
    let cut_off: BTreeSet<&str> =
        operations.iter().map(|operation| operation.path).filter(|path| !is_template(path)).collect();
    for path in cut_off {
        let reason = "the path template can't be filled";
        text.push_str(&format!("\n[[exclude]]\npath = {path:?}\nreason = {reason:?}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::pin;

    #[test]
    fn only_the_two_lines_of_the_pin_change() {
        let before = "# Pinned.\n[document]\nversion = \"2025.1\"\nsha256 = \"00\"\n\n[modules]\nversion = \"kept\"\n";
        let after = "# Pinned.\n[document]\nversion = \"2025.8\"\nsha256 = \"ff\"\n\n[modules]\nversion = \"kept\"\n";
        assert_eq!(pin(before, "2025.8", "ff"), after);
        assert_eq!(pin(after, "2025.8", "ff"), after);
    }
}
