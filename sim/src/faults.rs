//! Faults on demand: a short list of rules, each for some requests of a path.

use serde::Deserialize;

/// What `POST /_sim/faults` takes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Rule {
    /// Path below the API's root; `*` at its end stands for anything; absent = every path.
    path: Option<String>,
    /// The first request that it bites, counted from 1 since the rule was made.
    #[serde(default = "one")]
    nth: u64,
    /// How many requests in a row it bites.
    #[serde(default = "one")]
    times: u64,
    /// Bites only list answers that hold the record with this id, and counts only those.
    holds_id: Option<i64>,
    status: Option<u16>,
    /// Seconds, or an HTTP date as text.
    retry_after: Option<serde_json::Value>,
    /// Answers with a web page, as gateways do.
    #[serde(default)]
    html: bool,
    /// Ends the connection in the middle of the body.
    #[serde(default)]
    cut: bool,
    #[serde(skip)]
    seen: u64,
}

fn one() -> u64 {
    1
}

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Answer { status: u16, retry_after: Option<String>, html: bool },
    Cut,
}

/// The rules in force, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
}

impl Rule {
    /// Reads a rule; the error says what is wrong with it.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        let rule: Self = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        match rule.status {
            Some(status) if !(400..600).contains(&status) => Err(format!("status {status} is no error status")),
            None if !rule.cut => Err("a rule needs a status or cut".to_owned()),
            _ if rule.nth == 0 => Err("nth counts from 1".to_owned()),
            _ => Ok(rule),
        }
    }

    fn is_for(&self, path: &str) -> bool {
        match self.path.as_deref() {
            None => true,
            Some(pattern) => match pattern.strip_suffix('*') {
                Some(start) => path.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
                None => path.eq_ignore_ascii_case(pattern.trim_end_matches('/')),
            },
        }
    }

    fn bites(&mut self) -> bool {
        self.seen += 1;
        self.seen >= self.nth && self.seen - self.nth < self.times
    }

    fn fault(&self) -> Fault {
        match self.status {
            Some(status) if !self.cut => Fault::Answer {
                status,
                retry_after: self
                    .retry_after
                    .as_ref()
                    .map(|after| after.as_str().map_or_else(|| after.to_string(), str::to_owned)),
                html: self.html,
            },
            _ => Fault::Cut,
        }
    }
}

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
    pub(crate) fn request(&mut self, path: &str) -> Option<Fault> {
        self.first(|rule| rule.holds_id.is_none() && rule.is_for(path))
    }

    /// The same for an answer that holds these records.
    pub(crate) fn answer(&mut self, path: &str, ids: &[i64]) -> Option<Fault> {
        self.first(|rule| rule.holds_id.is_some_and(|id| ids.contains(&id)) && rule.is_for(path))
    }

    fn first(&mut self, applies: impl Fn(&Rule) -> bool) -> Option<Fault> {
        let mut found = None;
        for rule in self.rules.iter_mut().filter(|rule| applies(rule)) {
            if rule.bites() && found.is_none() {
                found = Some(rule.fault());
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_bites_from_the_nth_request_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add(Rule::read(br#"{"path":"/time/entries","nth":3,"status":429,"retryAfter":1,"times":2}"#).unwrap());
        let bites: Vec<bool> = (0..6).map(|_| faults.request("/time/entries").is_some()).collect();
        assert_eq!(bites, [false, false, true, true, false, false]);
        assert_eq!(faults.request("/time/entries/count"), None);
    }

    #[test]
    fn rules_that_make_no_sense_are_refused() {
        for body in ["", "{}", r#"{"status":200}"#, r#"{"status":500,"nth":0}"#, r#"{"status":500,"colour":1}"#] {
            assert!(Rule::read(body.as_bytes()).is_err(), "{body}");
        }
    }
}
