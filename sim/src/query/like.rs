//! `like` patterns: `*` and `%` stand for any text, `[[]` for an opening bracket.

/// A pattern that has been read; compares without regard to case, as the server's database does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// `None` stands for any text.
    parts: Vec<Option<char>>,
}

impl Pattern {
    pub(crate) fn new(text: &str) -> Self {
        let text = text.replace("[[]", "[");
        let parts = text
            .chars()
            .flat_map(char::to_lowercase)
            .map(|c| if matches!(c, '*' | '%') { None } else { Some(c) })
            .collect();
        Self { parts }
    }

    /// The pattern of `contains "text"`.
    pub(crate) fn containing(text: &str) -> Self {
        let mut pattern = Self::new(text);
        pattern.parts.insert(0, None);
        pattern.parts.push(None);
        pattern
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().flat_map(char::to_lowercase).collect();
        let (mut at, mut part) = (0, 0);
        let mut retry = None;
        while at < text.len() {
            match self.parts.get(part) {
                Some(None) => {
                    retry = Some((at, part));
                    part += 1;
                }
                Some(Some(c)) if *c == text[at] => {
                    at += 1;
                    part += 1;
                }
                // Let the last wildcard take one character more.
                _ => match &mut retry {
                    Some((from, wildcard)) => {
                        *from += 1;
                        at = *from;
                        part = *wildcard + 1;
                    }
                    None => return false,
                },
            }
        }
        self.parts[part..].iter().all(Option::is_none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_take_any_text_and_case_does_not_matter() {
        for (pattern, text, expected) in [
            ("tíma*", "Tímapottur ", true),
            ("%POTTUR%", "Tímapottur ", true),
            ("*a*b*c", "xaybzc", true),
            ("*a*b*c", "xaybz", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a[[]b", "a[b", true),
            ("abc", "abcd", false),
            ("*ab", "aab", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text}");
        }
        assert!(Pattern::containing("365").matches("Office 365 E3"));
        assert!(!Pattern::containing("366").matches("Office 365 E3"));
    }
}
