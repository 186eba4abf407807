//! Splits items into files of bounded length.

use crate::generate::MAX_LINES;

/// Texts of at most [`MAX_LINES`] lines, each with whole items, in order.
pub(crate) fn split(items: Vec<syn::Item>) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut lines = 0;
    for item in items {
        let text = prettyplease::unparse(&syn::File { shebang: None, attrs: Vec::new(), items: vec![item] });
        let more = text.lines().count();
        if lines + more > MAX_LINES && lines > 0 {
            parts.push(std::mem::take(&mut part));
            lines = 0;
        }
        part.push_str(&text);
        lines += more;
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}
