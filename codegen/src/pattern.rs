//! Name patterns of the configuration files: `*` stands for any text without `/`.

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

#[cfg(test)]
mod tests {
    use super::matches;

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
