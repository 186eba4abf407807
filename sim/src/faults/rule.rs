//! One rule, and how scripts of them are written.

use std::collections::VecDeque;
use std::time::Instant;

use serde::Deserialize;

use super::{Fault, Wording};
use crate::data::rng::Draw;

/// What a rule says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Rule {
    /// Path below the API's root; `*` at its end stands for anything; absent = every path.
    pub(super) path: Option<String>,
    /// Absent = every method.
    pub(super) method: Option<String>,
    /// The first request that it bites, counted from 1 since the rule was made.
    #[serde(default = "one")]
    pub(super) nth: u64,
    /// How many requests in a row it bites; with a probability, without end unless it says.
    pub(super) times: Option<u64>,
    /// Bites this share of the requests, from 0 to 1.
    pub(super) probability: Option<f64>,
    /// Of the probability.
    #[serde(default)]
    pub(super) seed: u64,
    /// Bites only list answers that hold the record with this id, and counts only those.
    pub(super) holds_id: Option<i64>,
    /// An error status. With it `retryAfter`, and `html` or `body`, may be said.
    pub(super) status: Option<u16>,
    /// Seconds, or an HTTP date as text.
    pub(super) retry_after: Option<serde_json::Value>,
    /// Answers with a web page, as gateways do.
    #[serde(default)]
    pub(super) html: bool,
    /// Answers with this body, as it is.
    pub(super) body: Option<String>,
    /// Ends the connection in the middle of the body.
    #[serde(default)]
    pub(super) cut: bool,
    /// Stops in the middle of the body and holds the connection.
    #[serde(default)]
    pub(super) stall: bool,
    /// Closes the connection without an answer.
    #[serde(default)]
    pub(super) close: bool,
    /// Closes connections as soon as they are made; counts connections, of whatever path.
    #[serde(default)]
    pub(super) refuse: bool,
    /// Leaves out a row between two pages.
    #[serde(default)]
    pub(super) missing: bool,
    /// Shows a row on two pages.
    #[serde(default)]
    pub(super) duplicate: bool,
    /// The content type that the answer claims.
    pub(super) content_type: Option<String>,
    /// Bytes a second.
    pub(super) slow: Option<u64>,
    /// Requests a minute that are let through; the others are told to come back.
    pub(super) per_minute: Option<u64>,
    /// A limit that doesn't say when to come back.
    #[serde(default)]
    pub(super) silent: bool,
    #[serde(skip)]
    pub(super) seen: u64,
    #[serde(skip)]
    pub(super) recent: VecDeque<Instant>,
}

/// Bites the next request, and has no effect yet.
impl Default for Rule {
    fn default() -> Self {
        Self {
            path: None,
            method: None,
            nth: 1,
            times: None,
            probability: None,
            seed: 0,
            holds_id: None,
            status: None,
            retry_after: None,
            html: false,
            body: None,
            cut: false,
            stall: false,
            close: false,
            refuse: false,
            missing: false,
            duplicate: false,
            content_type: None,
            slow: None,
            per_minute: None,
            silent: false,
            seen: 0,
            recent: VecDeque::new(),
        }
    }
}

/// A rule's one effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Status,
    Cut,
    Stall,
    Close,
    Refuse,
    Missing,
    Duplicate,
    ContentType,
    Slow,
    PerMinute,
}

fn one() -> u64 {
    1
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(alias = "rule")]
    rules: Vec<Rule>,
}

/// Reads rules: a JSON object that is one, an array of them, `{"rules":[..]}`, or TOML with `[[rule]]` tables. The error says
/// what is wrong.
pub(crate) fn read(script: &[u8]) -> Result<Vec<Rule>, String> {
    let text = str::from_utf8(script).map_err(|error| error.to_string())?;
    let rules = match text.trim_start().as_bytes() {
        [b'[', b'[', ..] => toml::from_str::<Script>(text).map_err(|error| error.message().to_owned())?.rules,
        [b'[', ..] => serde_json::from_str::<Vec<Rule>>(text).map_err(|error| error.to_string())?,
        [b'{', ..] => {
            let json: serde_json::Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
            if json.get("rules").is_some() {
                serde_json::from_value::<Script>(json).map_err(|error| error.to_string())?.rules
            } else {
                vec![serde_json::from_value(json).map_err(|error| error.to_string())?]
            }
        }
        _ => toml::from_str::<Script>(text).map_err(|error| error.message().to_owned())?.rules,
    };
    if rules.is_empty() {
        return Err("there is no rule in it".to_owned());
    }
    for rule in &rules {
        rule.check()?;
    }
    Ok(rules)
}

impl Rule {
    /// The effects that it names.
    fn effects(&self) -> Vec<Effect> {
        [
            (self.status.is_some(), Effect::Status),
            (self.cut, Effect::Cut),
            (self.stall, Effect::Stall),
            (self.close, Effect::Close),
            (self.refuse, Effect::Refuse),
            (self.missing, Effect::Missing),
            (self.duplicate, Effect::Duplicate),
            (self.content_type.is_some(), Effect::ContentType),
            (self.slow.is_some(), Effect::Slow),
            (self.per_minute.is_some(), Effect::PerMinute),
        ]
        .into_iter()
        .filter_map(|(named, effect)| named.then_some(effect))
        .collect()
    }

    pub(super) fn check(&self) -> Result<(), String> {
        match self.effects().as_slice() {
            [] => return Err("a rule needs a status, cut or another effect".to_owned()),
            [_] => {}
            _ => return Err("a rule has one effect".to_owned()),
        }
        match self.status {
            Some(status) if !(400..600).contains(&status) => Err(format!("status {status} is no error status")),
            _ if self.body.is_some() && (self.html || self.status.is_none()) => {
                Err("a body belongs to a status, and is a web page or is not".to_owned())
            }
            _ if self.nth == 0 => Err("nth counts from 1".to_owned()),
            _ if self.probability.is_some_and(|share| !(0.0..=1.0).contains(&share)) => {
                Err("a probability is between 0 and 1".to_owned())
            }
            _ if self.slow == Some(0) => Err("slow is at least 1 byte a second".to_owned()),
            _ => Ok(()),
        }
    }

    pub(super) fn is_for(&self, method: &str, path: &str) -> bool {
        let method = self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method));
        let path = match self.path.as_deref() {
            None => true,
            Some(pattern) => match pattern.strip_suffix('*') {
                Some(start) => path.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
                None => path.eq_ignore_ascii_case(pattern.trim_end_matches('/')),
            },
        };
        method && path
    }

    /// Whether the rule names this path and answers with a status.
    pub(super) fn is_status_at(&self, path: &str) -> bool {
        self.path.is_some() && self.status.is_some() && self.is_for("GET", path)
    }

    pub(super) fn bites(&mut self) -> bool {
        self.seen += 1;
        let times = self.times.unwrap_or(if self.probability.is_some() { u64::MAX } else { 1 });
        if self.seen < self.nth || self.seen - self.nth >= times {
            return false;
        }
        match self.probability {
            None => true,
            // Whole numbers, so that the same requests fail on any machine.
            Some(share) => Draw::of(self.seed, 98, self.seen).chance(0, (share * 10_000.0) as u64),
        }
    }

    pub(super) fn refuses(&self) -> bool {
        self.refuse
    }

    pub(super) fn per_minute(&self) -> Option<u64> {
        self.per_minute
    }

    pub(super) fn is_silent(&self) -> bool {
        self.silent
    }

    pub(super) fn recent(&mut self) -> &mut VecDeque<Instant> {
        &mut self.recent
    }

    fn wording(&self) -> Wording {
        match &self.body {
            Some(body) => Wording::Text(body.clone()),
            None if self.html => Wording::Html,
            None => Wording::Api,
        }
    }

    pub(super) fn fault(&self) -> Option<Fault> {
        Some(match self.effects().first()? {
            Effect::Status => Fault::Answer {
                status: self.status?,
                retry_after: self
                    .retry_after
                    .as_ref()
                    .map(|after| after.as_str().map_or_else(|| after.to_string(), str::to_owned)),
                wording: self.wording(),
            },
            Effect::Cut => Fault::Cut,
            Effect::Stall => Fault::Stall,
            Effect::Close => Fault::Close,
            Effect::Missing => Fault::Missing,
            Effect::Duplicate => Fault::Duplicate,
            Effect::ContentType => Fault::ContentType(self.content_type.clone()?),
            Effect::Slow => Fault::Slow(self.slow?),
            Effect::Refuse | Effect::PerMinute => return None,
        })
    }
}
