//! Name patterns of the configuration files: `*` stands for any text without `/`; a `?` at the end says that the pattern
//! may match nothing, since not every version of the interface has the property.

/// Whether a name matches a pattern.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => {
            let Some(rest) = name.strip_prefix(head) else { return false };
            let end = rest.find('/').unwrap_or(rest.len());
            rest.char_indices()
                .map(|(at, _)| at)
                .chain([rest.len()])
                .take_while(|at| *at <= end)
                .any(|at| matches(tail, &rest[at..]))
        }
    }
}

/// The pattern without its mark.
pub(crate) fn plain(pattern: &str) -> &str {
    pattern.strip_suffix('?').unwrap_or(pattern)
}

/// Whether a pattern may match nothing.
pub(crate) fn is_optional(pattern: &str) -> bool {
    pattern.ends_with('?')
}

#[cfg(test)]
mod tests {
    use super::{is_optional, matches, plain};

    #[test]
    fn a_question_mark_at_the_end_is_no_part_of_the_name() {
        assert_eq!((plain("additionalDebt?"), is_optional("additionalDebt?")), ("additionalDebt", true));
        assert_eq!((plain("*Cost"), is_optional("*Cost")), ("*Cost", false));
    }

    #[test]
    fn star_stands_for_any_text_within_one_step() {
        assert!(matches("*Amount", "billAmount"));
        assert!(matches("*Amount", "Amount"));
        assert!(!matches("*Amount", "amount"));
        assert!(matches("*Hours*", "actualHours"));
        assert!(matches("*Hours*", "invoiceHoursTotal"));
        assert!(!matches("hours*", "actualHours"));
        assert!(matches("*/dailyCapacity", "member/dailyCapacity"));
        assert!(!matches("*Capacity", "member/dailyCapacity"));
        assert!(matches("*", "größe"));
    }
}
