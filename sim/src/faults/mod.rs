//! Faults on demand: rules, each for some requests of a path, by count or by chance.

mod builder;
mod rule;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

pub use builder::FaultRule;
pub(crate) use rule::{Rule, read};

/// What the body of an error answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// The API's own for this status.
    Api,
    /// A web page, as gateways write it.
    Html,
    /// What the rule says.
    Text(String),
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Fault {
    /// Another answer than the server's, given before the server hears of the request.
    Answer { status: u16, retry_after: Option<String>, wording: Wording },
    /// The body ends half-way.
    Cut,
    /// The body stops half-way, and nothing follows.
    Stall,
    /// The connection closes without an answer.
    Close,
    /// The page leaves out the row that it should start with: what happens when a row before it goes away.
    Missing,
    /// The page starts with the last row of the page before: what happens when a row before it appears.
    Duplicate,
    /// The answer says that it is of another type.
    ContentType(String),
    /// The body comes slowly: bytes a second.
    Slow(u64),
}

impl Fault {
    /// Its name in counters.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Answer { status: 429, .. } => "rate_limit",
            Self::Answer { .. } => "status",
            Self::Cut => "cut",
            Self::Stall => "stall",
            Self::Close => "close",
            Self::Missing => "missing",
            Self::Duplicate => "duplicate",
            Self::ContentType(_) => "content_type",
            Self::Slow(_) => "slow",
        }
    }
}

/// The rules in force, oldest first, and how often each sort of fault has bitten.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
    pub(crate) bitten: BTreeMap<&'static str, u64>,
}

/// A minute of a rate limit.
const MINUTE: Duration = Duration::from_secs(60);

impl Faults {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub(crate) fn count(&self) -> usize {
        self.rules.len()
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Counts a request and says what happens to it. Every rule counts it; the oldest one that bites decides.
    pub(crate) fn request(&mut self, method: &str, path: &str) -> Option<Fault> {
        self.request_at(method, path, Instant::now())
    }

    fn request_at(&mut self, method: &str, path: &str, now: Instant) -> Option<Fault> {
        self.first(|rule| rule.holds_id.is_none() && !rule.refuses() && rule.is_for(method, path), now)
    }

    /// Like `request`, for a list within a bundle. Only rules with a path and a status apply: the list has no HTTP answer of
    /// its own that could break otherwise.
    pub(crate) fn bundled(&mut self, path: &str) -> Option<Fault> {
        self.first(|rule| rule.holds_id.is_none() && rule.is_status_at(path), Instant::now())
    }

    /// The same for an answer that holds these records.
    pub(crate) fn answer(&mut self, path: &str, ids: &[i64]) -> Option<Fault> {
        self.first(|rule| rule.holds_id.is_some_and(|id| ids.contains(&id)) && rule.is_for("GET", path), Instant::now())
    }

    /// Whether a connection that was just made is refused.
    pub(crate) fn refuses(&mut self) -> bool {
        let refused = self.rules.iter_mut().filter(|rule| rule.refuses()).any(Rule::bites);
        if refused {
            *self.bitten.entry("refuse").or_default() += 1;
        }
        refused
    }

    fn first(&mut self, applies: impl Fn(&Rule) -> bool, now: Instant) -> Option<Fault> {
        let mut found = None;
        for rule in self.rules.iter_mut().filter(|rule| applies(rule)) {
            let bitten = match rule.per_minute() {
                Some(most) => limited(rule, most, now),
                None => rule.bites().then(|| rule.fault()).flatten(),
            };
            found = found.or(bitten);
        }
        if let Some(fault) = &found {
            *self.bitten.entry(fault.name()).or_default() += 1;
        }
        found
    }
}

/// When the requests of the last minute were let through.
#[derive(Debug, Default)]
pub(crate) struct Minute(VecDeque<Instant>);

impl Minute {
    /// Lets a request through, or says what it is told.
    pub(crate) fn request(&mut self, most: u64) -> Option<Fault> {
        crowded(&mut self.0, most, false, Instant::now())
    }
}

/// A request under a limit: it is let through, or told how many seconds to wait.
fn limited(rule: &mut Rule, most: u64, now: Instant) -> Option<Fault> {
    let silent = rule.is_silent();
    crowded(rule.recent(), most, silent, now)
}

fn crowded(recent: &mut VecDeque<Instant>, most: u64, silent: bool, now: Instant) -> Option<Fault> {
    while recent.front().is_some_and(|asked| now.duration_since(*asked) >= MINUTE) {
        recent.pop_front();
    }
    if (recent.len() as u64) < most {
        recent.push_back(now);
        return None;
    }
    let oldest = recent.front().map_or(MINUTE, |asked| MINUTE.saturating_sub(now.duration_since(*asked)));
    let wait = oldest.as_secs() + u64::from(oldest.subsec_nanos() > 0);
    let retry_after = (!silent).then(|| wait.max(1).to_string());
    Some(Fault::Answer { status: 429, retry_after, wording: Wording::Api })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(rules: &str) -> Faults {
        let mut faults = Faults::default();
        read(rules.as_bytes()).unwrap().into_iter().for_each(|rule| faults.add(rule));
        faults
    }

    #[test]
    fn a_rule_bites_from_the_nth_request_as_often_as_it_says() {
        let mut faults = with(r#"{"path":"/time/entries","nth":3,"status":429,"retryAfter":1,"times":2}"#);
        let bites: Vec<bool> = (0..6).map(|_| faults.request("GET", "/time/entries").is_some()).collect();
        assert_eq!(bites, [false, false, true, true, false, false]);
        assert_eq!(faults.request("GET", "/time/entries/count"), None);
    }

    #[test]
    fn a_rule_by_chance_bites_its_share_the_same_way_each_time() {
        let bites = |seed: u64| {
            let mut faults = with(&format!(r#"{{"probability":0.25,"seed":{seed},"status":500}}"#));
            (0..4_000).map(|_| faults.request("GET", "/a").is_some()).collect::<Vec<_>>()
        };
        assert_eq!(bites(1), bites(1));
        assert_ne!(bites(1), bites(2));
        let share = bites(1).into_iter().filter(|bitten| *bitten).count();
        assert!((900..1_100).contains(&share), "{share} of 4,000");
    }

    #[test]
    fn a_script_is_json_or_toml() {
        let json = r#"{"rules":[{"path":"/time/*","cut":true},{"method":"post","status":503,"html":true}]}"#;
        let toml =
            "[[rule]]\npath = \"/time/*\"\ncut = true\n\n[[rule]]\nmethod = \"post\"\nstatus = 503\nhtml = true\n";
        for script in [json, toml] {
            let mut faults = with(script);
            assert_eq!(faults.request("GET", "/time/entries"), Some(Fault::Cut), "{script}");
            assert_eq!(faults.request("GET", "/company"), None);
            assert!(matches!(
                faults.request("POST", "/company"),
                Some(Fault::Answer { status: 503, wording: Wording::Html, .. })
            ));
        }
    }

    #[test]
    fn a_limit_lets_so_many_through_a_minute() {
        let mut faults = with(r#"{"perMinute":3}"#);
        let start = Instant::now();
        let mut ask = |seconds: u64| faults.request_at("GET", "/a", start + Duration::from_secs(seconds));
        assert_eq!([ask(0), ask(0), ask(0)], [None, None, None]);
        let refused = |after: &str| {
            Some(Fault::Answer { status: 429, retry_after: Some(after.to_owned()), wording: Wording::Api })
        };
        assert_eq!(ask(0), refused("60"));
        assert_eq!(ask(59), refused("1"));
        assert_eq!(ask(60), None);
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        for body in [
            "",
            "{}",
            r#"{"status":200}"#,
            r#"{"status":500,"nth":0}"#,
            r#"{"status":500,"colour":1}"#,
            r#"{"status":500,"cut":true}"#,
            r#"{"probability":1.5,"status":500}"#,
            r#"{"slow":0}"#,
            r#"{"status":500,"html":true,"body":"x"}"#,
            r#"{"cut":true,"body":"x"}"#,
            "[[rule]]\nstatus = 'x'",
            r#"{"rules":5}"#,
            r#"[]"#,
        ] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
