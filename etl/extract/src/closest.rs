//! Which of many names somebody may have meant.

/// More suggestions than this don't help.
const MOST: usize = 3;

/// Below this, Jaro-Winkler finds two names alike that people don't.
const ALIKE: f64 = 0.75;

/// What to say about a name that isn't there: the few most like it, and the command that lists all.
///
/// `all` completes the sentence, for example `connectwise-etl schema lists all entities`.
pub fn advice<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>, all: &str) -> String {
    match closest(wanted, names).as_slice() {
        [] => all.to_owned(),
        found => format!("did you mean {}? {all}", found.join(" or ")),
    }
}

/// What a reader of TOML says of a name that it doesn't know ("unknown field `x`, expected one of `a`, `b`"), with the name that
/// was meant, where one is alike. toml 0.9 and serde 1 give the names in no other way than in these words; tests of the metadata of
/// models make the error.
pub fn suggested(message: &str) -> String {
    let Some((what, expected)) = message.split_once(", expected ").filter(|_| message.starts_with("unknown ")) else {
        return message.to_owned();
    };
    let quoted = |text: &'_ str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    let wanted = quoted(what).concat();
    let names = quoted(expected);
    match closest(&wanted, names.iter().map(String::as_str)).as_slice() {
        [] => message.to_owned(),
        found => format!("{what}: did you mean {}? expected {expected}", found.join(" or ")),
    }
}

/// A part of a name is a better hint than a likeness of letters: where there are any, `ticket` means `ServiceTicket` and not
/// `TimeEntry`.
fn closest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.trim().to_lowercase();
    let mut scored: Vec<(bool, f64, &str)> = names
        .into_iter()
        .map(|name| {
            let lower = name.to_lowercase();
            (wanted.len() >= 3 && lower.contains(&wanted), strsim::jaro_winkler(&wanted, &lower), name)
        })
        .filter(|(part, alike, _)| *part || *alike >= ALIKE)
        .collect();
    // Stable: equally good names stay in their order.
    scored.sort_by(|left, right| right.0.cmp(&left.0).then(right.1.total_cmp(&left.1)));
    let parts = scored.first().is_some_and(|(part, ..)| *part);
    scored.into_iter().filter(|(part, ..)| *part || !parts).take(MOST).map(|(.., name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::{advice, closest};

    const NAMES: [&str; 5] = ["TimeEntry", "ExpenseEntry", "ServiceTicket", "ProjectTicket", "Company"];

    #[test]
    fn parts_and_misspellings_are_found_in_any_case() {
        assert_eq!(closest("ticket", NAMES), ["ServiceTicket", "ProjectTicket"]);
        assert_eq!(closest("timeentries", NAMES)[0], "TimeEntry");
        assert_eq!(closest(" Compnay ", NAMES), ["Company"]);
        assert_eq!(closest("zzz", NAMES), Vec::<&str>::new());
    }

    #[test]
    fn what_is_like_nothing_is_not_guessed_at() {
        assert_eq!(advice("", NAMES, "x lists all"), "x lists all");
        assert_eq!(advice("company", NAMES, "x lists all"), "did you mean Company? x lists all");
    }
}
