//! Texts into files of bounded length.

use std::collections::BTreeMap;

use crate::generate::MAX_LINES;

/// Files by name, and the index that includes them.
pub(crate) struct Files {
    kind: &'static str,
    parts: Vec<String>,
    files: BTreeMap<String, String>,
}

impl Files {
    /// Files whose names start with `kind`.
    pub(crate) fn new(kind: &'static str) -> Self {
        Self { kind, parts: Vec::new(), files: BTreeMap::new() }
    }

    /// Adds items of one owner: as many files of at most [`MAX_LINES`] lines as they need, each with whole items, in order.
    pub(crate) fn add(&mut self, owner: &str, items: impl IntoIterator<Item = String>) {
        let mut part = String::new();
        let mut lines = 0;
        let mut number = 1;
        for text in items {
            let more = text.lines().count();
            if lines + more > MAX_LINES && lines > 0 {
                self.put(owner, number, std::mem::take(&mut part));
                number += 1;
                lines = 0;
            }
            part.push_str(&text);
            lines += more;
        }
        if !part.is_empty() {
            self.put(owner, number, part);
        }
    }

    fn put(&mut self, owner: &str, number: usize, text: String) {
        let name = format!("{}_{owner}_{number}.rs", self.kind);
        self.parts.push(name.clone());
        self.files.insert(name, text);
    }

    /// A module with these lines before the files so far, which it includes; the index has none of them then.
    pub(crate) fn take_module(&mut self, head: &str, name: &str) -> String {
        let parts = std::mem::take(&mut self.parts);
        let includes: String = parts.iter().map(|file| format!("    {}", include(file))).collect();
        format!("{head}pub mod {name} {{\n    use super::*;\n{includes}}}\n")
    }

    /// The files, and one that includes them all.
    pub(crate) fn finish(mut self) -> BTreeMap<String, String> {
        let index = self.parts.iter().map(|file| include(file)).collect();
        self.files.insert(format!("{}.rs", self.kind), index);
        self.files
    }
}

fn include(file: &str) -> String {
    format!("include!(concat!(env!(\"OUT_DIR\"), \"/{file}\"));\n")
}

#[cfg(test)]
mod tests {
    use super::Files;

    #[test]
    fn files_are_split_between_items() {
        let mut files = Files::new("models");
        let item = |lines: usize| "x\n".repeat(lines);
        files.add("time", [item(3_000), item(2_000), item(1), item(6_000), item(2)]);
        files.add("sales", []);
        let found = files.finish();
        let lines: Vec<_> = found.iter().map(|(name, text)| (name.as_str(), text.lines().count())).collect();
        let expected = [
            ("models.rs", 4),
            ("models_time_1.rs", 5_000),
            ("models_time_2.rs", 1),
            ("models_time_3.rs", 6_000),
            ("models_time_4.rs", 2),
        ];
        assert_eq!(lines, expected);
    }
}
