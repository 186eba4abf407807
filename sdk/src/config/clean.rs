//! What people and other programs put around a value.

/// Quotation marks, and what closes them.
const QUOTES: [(char, char); 5] = [('"', '"'), ('\'', '\''), ('`', '`'), ('“', '”'), ('‘', '’')];

/// Characters that nobody sees and `trim` leaves: marks of byte order and of width.
const UNSEEN: [char; 5] = ['\u{feff}', '\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}'];

/// A value without white space and quotation marks around it. `docker --env-file` keeps the quotes of a file, and a text that
/// was copied from a page brings characters that nobody sees.
pub(crate) fn clean(text: &str) -> &str {
    let mut text = trim(text);
    while let Some(inner) = QUOTES.iter().find_map(|(open, close)| text.strip_prefix(*open)?.strip_suffix(*close)) {
        text = trim(inner);
    }
    text
}

fn trim(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || UNSEEN.contains(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_a_value_goes_and_what_is_in_it_stays() {
        let table = [
            ("a", "a"),
            (" a b\r\n", "a b"),
            ("\"a\"", "a"),
            ("'a'", "a"),
            ("\" a \"", "a"),
            ("'\"a\"'", "a"),
            ("“a”", "a"),
            ("\u{feff}a\u{200b}", "a"),
            ("\u{a0}a", "a"),
            ("\"a", "\"a"),
            ("\"", "\""),
            ("''", ""),
            ("it's", "it's"),
            ("ge$heim", "ge$heim"),
        ];
        for (text, expected) in table {
            assert_eq!(clean(text), expected, "{text:?}");
        }
    }
}
