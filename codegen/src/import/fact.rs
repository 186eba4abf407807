//! The text of the facts form.

use serde_json::Value;

/// A value with the order and the layout that it is written in.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fact {
    /// A text, number or truth value.
    Scalar(Value),
    /// An array, on one line.
    List(Vec<Fact>),
    /// An object, on one line.
    Inline(Vec<(String, Fact)>),
    /// An object with one line (or block) an entry.
    Block(Vec<(String, Fact)>),
}

impl Fact {
    pub(super) fn text(text: &str) -> Self {
        Self::Scalar(Value::from(text))
    }

    pub(super) fn truth() -> Self {
        Self::Scalar(Value::Bool(true))
    }

    pub(super) fn inline<'k>(entries: impl IntoIterator<Item = (&'k str, Fact)>) -> Self {
        Self::Inline(entries.into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect())
    }

    pub(super) fn block<'k>(entries: impl IntoIterator<Item = (&'k str, Fact)>) -> Self {
        Self::Block(entries.into_iter().map(|(key, fact)| (key.to_owned(), fact)).collect())
    }

    /// The whole text, with a line break at the end.
    pub(super) fn document(&self) -> String {
        let mut out = String::new();
        self.write(&mut out, 0);
        out.push('\n');
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        match self {
            Self::Scalar(value) => out.push_str(&value.to_string()),
            Self::List(items) => {
                out.push('[');
                for (index, item) in items.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    item.write(out, depth);
                }
                out.push(']');
            }
            Self::Inline(entries) => {
                out.push('{');
                for (index, (key, fact)) in entries.iter().enumerate() {
                    out.push_str(if index == 0 { "" } else { ", " });
                    write_key(out, key);
                    fact.write(out, depth);
                }
                out.push('}');
            }
            Self::Block(entries) if entries.is_empty() => out.push_str("{}"),
            Self::Block(entries) => {
                out.push('{');
                for (index, (key, fact)) in entries.iter().enumerate() {
                    out.push_str(if index == 0 { "\n" } else { ",\n" });
                    out.push_str(&" ".repeat(depth + 1));
                    write_key(out, key);
                    fact.write(out, depth + 1);
                }
                out.push('\n');
                out.push_str(&" ".repeat(depth));
                out.push('}');
            }
        }
    }
}

fn write_key(out: &mut String, key: &str) {
    out.push_str(&Value::from(key).to_string());
    out.push_str(": ");
}
