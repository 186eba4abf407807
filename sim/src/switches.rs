//! Where the facts about the API are uncertain, both behaviours: named switches, the harsher one first and in force.

use std::fmt;

/// What has a name and values, the first of which is in force where nobody says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) name: &'static str,
    pub(crate) values: &'static [&'static str],
    pub(crate) about: &'static str,
}

const fn described(name: &'static str, values: &'static [&'static str], about: &'static str) -> Description {
    Description { name, values, about }
}

/// A value that stands for any whole number above 0.
const NUMBER: &str = "<number>";

/// A switch: an index into [`ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Switch {
    AndOr,
    BadCredentials,
    BundleLimit,
    BundleLists,
    BundlePage,
    BundleStatus,
    CallbackKey,
    Changelogs,
    ChildrenTouchParents,
    DateHeader,
    DoubleSlashes,
    Enumerations,
    IsCloud,
    LargePages,
    LastLink,
    MissingClientId,
    NullReferences,
    Percent,
    QuoteEscape,
    RecordType,
    Reports,
    RequestsPerMinute,
    Routing,
    ServiceTickets,
    SystemInfo,
    Times,
    TrailingSlash,
    UnknownFields,
}

/// All switches, in the order of their names.
pub(crate) const ALL: [Description; 28] = [
    described(
        "and-or",
        &["left-to-right", "and-first"],
        "how conditions are read that mix AND and OR without parentheses",
    ),
    described(
        "bad-credentials",
        &["401", "404", "drop"],
        "the answer to a key that isn't known; drop closes the connection",
    ),
    described("bundle-limit", &["100", "none", NUMBER], "requests that one bundle may hold; more of them are refused"),
    described(
        "bundle-lists",
        &["all", NUMBER],
        "lists of a bundle that come with their records: all; or the first ones, and those behind them come empty, with success; \
         only where asked for, as nobody has seen it",
    ),
    described(
        "bundle-page",
        &["asked", NUMBER],
        "records that a list has at most in a bundle: as many as its pageSize says; or so many, whatever it says, and the answer \
         doesn't show that there are more; only where asked for, as nobody has seen it",
    ),
    described("bundle-status", &["207", "200"], "the status of a bundle's answer"),
    described("callback-key", &["signed", "open"], "whether the key of callbacks is told to those without credentials"),
    described("changelogs", &["queue", "log"], "whether DELETE of a changelog takes its entries away"),
    described(
        "children-touch-parents",
        &["no", "yes"],
        "whether a change below a row is a change of that row, with a new lastUpdated",
    ),
    described(
        "date-header",
        &["clock", "nonsense", NUMBER],
        "the Date header: the simulated clock, no date, or that clock so many seconds ago",
    ),
    described(
        "double-slashes",
        &["everywhere", "nowhere"],
        "whether addresses that the server writes, in Link and in hrefs, have two slashes after the API's root; such paths are \
         understood either way",
    ),
    described(
        "enumerations",
        &["equal-only", "no-like", "texts"],
        "what a condition may ask of an enumeration: whether it is equal to a text or one of several; or also whether it is not; \
         or whatever it may ask of a text; the rest is 400 Enum value supplied was invalid",
    ),
    described("is-cloud", &["text", "flag"], "IsCloud of companyinfo: \"True\" or true"),
    described("large-pages", &["capped", "refused"], "a pageSize above 1000: cut without a word, or 400 OutOfRange"),
    described(
        "last-link",
        &["full", "exact", "always"],
        "forward-only pages that name a next one: every full one, those that have one, or all that have rows",
    ),
    described("missing-client-id", &["403", "401"], "the answer to a request without a clientId"),
    described(
        "null-references",
        &["refused", "understood"],
        "whether a reference can be compared with null, as in invoice = null; it is 400 Enum value supplied was invalid else",
    ),
    described(
        "percent",
        &["ignored", "wildcard"],
        "a % in the pattern of a comparison by like: the comparison is left out without a word, so that all rows pass; or it \
         stands for any text, as * does",
    ),
    described("quote-escape", &["none", "backslash", "doubled"], "how a string holds the quote that it is in"),
    described(
        "record-type",
        &["service", "all"],
        "whether project tickets among the service tickets have a recordType; conditions on it find none else",
    ),
    described("reports", &["unpaged", "paged"], "whether /system/reports knows pages"),
    described(
        "requests-per-minute",
        &["none", "60", "1000", NUMBER],
        "requests a minute of the wall clock before 429; none unless asked for, as it depends on the machine",
    ),
    described(
        "routing",
        &["gateway", "server"],
        "a codebase that isn't the server's, a company that isn't either, or the API's root twice in a path: a gateway's plain \
         text, 400 Cannot route, or what the server says of a path or a key that it doesn't know",
    ),
    described(
        "service-tickets",
        &["all", "service"],
        "whether /service/tickets lists project tickets too, which it can't find by id",
    ),
    described("system-info", &["signed", "open"], "whether /system/info needs credentials"),
    described(
        "times",
        &["utc", "naive", "behind", "ahead"],
        "date literals: UTC with a Z and no other; or naive ones only, those with a Z matching nothing and days a day late; or \
         with or without a Z the local time of a zone that is 3:30 hours behind UTC, or 5:45 hours ahead of it",
    ),
    described(
        "trailing-slash",
        &["documented", "optional"],
        "whether paths that the document writes with a slash at their end are found without it",
    ),
    described(
        "unknown-fields",
        &["dropped", "refused"],
        "a name in fields that the entity doesn't have: left out without a word, or 400 InvalidField",
    ),
];

/// The values in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Switches {
    values: [Value; ALL.len()],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Named(&'static str),
    Number(u64),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

impl Default for Switches {
    fn default() -> Self {
        Self { values: ALL.map(|switch| Value::Named(switch.values.first().copied().unwrap_or_default())) }
    }
}

impl Switches {
    /// Sets `name=value`. The error is one sentence.
    pub(crate) fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        let Some((at, switch)) = ALL.iter().enumerate().find(|(_, switch)| switch.name.eq_ignore_ascii_case(name))
        else {
            let names: Vec<&str> = ALL.iter().map(|switch| switch.name).collect();
            return Err(format!("there is no switch {name}: choose one of {}", names.join(", ")));
        };
        let named = switch.values.iter().find(|known| **known != NUMBER && known.eq_ignore_ascii_case(value));
        let number = value.parse().ok().filter(|number| *number > 0 && switch.values.contains(&NUMBER));
        self.values[at] = match (named, number) {
            (Some(named), _) => Value::Named(named),
            (None, Some(number)) => Value::Number(number),
            (None, None) => {
                return Err(format!("{name} is never {value}: choose {}", switch.values.join(", ")));
            }
        };
        Ok(())
    }

    /// Sets `name=value` in one word.
    pub(crate) fn set_word(&mut self, word: &str) -> Result<(), String> {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("{word} is no switch: write name=value"))?;
        self.set(name.trim(), value.trim())
    }

    /// Whether a switch stands at this value.
    pub(crate) fn is(&self, switch: Switch, value: &str) -> bool {
        matches!(self.values[switch as usize], Value::Named(named) if named == value)
    }

    /// The number that a switch stands at; `None` where it stands for none.
    pub(crate) fn number(&self, switch: Switch) -> Option<u64> {
        match self.values[switch as usize] {
            Value::Named(name) => name.parse().ok(),
            Value::Number(number) => Some(number),
        }
    }

    /// Descriptions and values.
    pub(crate) fn told(&self) -> impl Iterator<Item = (&'static Description, String)> + '_ {
        ALL.iter().zip(self.values).map(|(switch, value)| (switch, value.to_string()))
    }
}

/// All switches as text, a line or two each.
pub(crate) fn list() -> String {
    let mut out = String::from("Switches, the value in force first:");
    for Description { name, values, about } in ALL {
        out.push_str(&format!("\n  {name}={}\n      {about}", values.join("|")));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_in_their_order_and_every_switch_has_two_sides() {
        assert!(ALL.is_sorted_by(|a, b| a.name < b.name));
        assert!(ALL.iter().all(|switch| switch.values.len() > 1));
        assert_eq!(ALL[Switch::AndOr as usize].name, "and-or");
        assert_eq!(ALL[Switch::LastLink as usize].name, "last-link");
        assert_eq!(ALL[Switch::RecordType as usize].name, "record-type");
        assert_eq!(ALL[Switch::TrailingSlash as usize].name, "trailing-slash");
        assert_eq!(ALL[Switch::UnknownFields as usize].name, "unknown-fields");
    }

    #[test]
    fn values_are_set_by_name_and_nonsense_is_one_sentence() {
        let mut switches = Switches::default();
        assert!(switches.is(Switch::LargePages, "capped"));
        assert_eq!(switches.set_word("large-pages = Refused"), Ok(()));
        assert!(switches.is(Switch::LargePages, "refused"));
        assert_eq!(switches.number(Switch::BundleLimit), Some(100));
        assert_eq!(switches.set("bundle-limit", "7"), Ok(()));
        assert_eq!(switches.number(Switch::BundleLimit), Some(7));
        assert_eq!(switches.set("bundle-limit", "none"), Ok(()));
        assert_eq!(switches.number(Switch::BundleLimit), None);
        for word in ["large-pages", "large-pages=7", "no-such=1", "bundle-limit=0", "bundle-limit=-1", "="] {
            let error = switches.set_word(word).expect_err(word);
            assert!(error.contains(": "), "{error}");
        }
    }
}
