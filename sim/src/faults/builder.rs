//! Rules as a program writes them.

use super::rule::Rule;

/// A rule by which requests fail: one effect, and which requests it bites (the next one of any path, without more).
#[derive(Clone, Debug)]
#[must_use = "a rule does nothing until a simulator has it"]
pub struct FaultRule(Rule);

impl FaultRule {
    /// Answers with an error status, 400 to 599, in the API's own words.
    pub fn status(status: u16) -> Self {
        Self(Rule { status: Some(status), ..Rule::default() })
    }

    /// Ends the connection in the middle of the body.
    pub fn cut() -> Self {
        Self(Rule { cut: true, ..Rule::default() })
    }

    /// Stops in the middle of the body and holds the connection.
    pub fn stall() -> Self {
        Self(Rule { stall: true, ..Rule::default() })
    }

    /// Closes the connection without an answer.
    pub fn close() -> Self {
        Self(Rule { close: true, ..Rule::default() })
    }

    /// Closes connections as soon as they are made; counts connections, of whatever path.
    pub fn refuse() -> Self {
        Self(Rule { refuse: true, ..Rule::default() })
    }

    /// Leaves out a row between two pages.
    pub fn missing() -> Self {
        Self(Rule { missing: true, ..Rule::default() })
    }

    /// Shows a row on two pages.
    pub fn duplicate() -> Self {
        Self(Rule { duplicate: true, ..Rule::default() })
    }

    /// Claims that the answer is of this type.
    pub fn content_type(claimed: impl Into<String>) -> Self {
        Self(Rule { content_type: Some(claimed.into()), ..Rule::default() })
    }

    /// Sends the body with so many bytes a second.
    pub fn slow(bytes_a_second: u64) -> Self {
        Self(Rule { slow: Some(bytes_a_second), ..Rule::default() })
    }

    /// Lets so many requests a minute through; the others are told when to come back.
    pub fn per_minute(requests: u64) -> Self {
        Self(Rule { per_minute: Some(requests), ..Rule::default() })
    }

    /// Doesn't say when to come back, for a limit.
    pub fn silent(mut self) -> Self {
        self.0.silent = true;
        self
    }

    /// Seconds that a status asks to wait.
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds.into());
        self
    }

    /// Answers a status with a web page, as gateways do.
    pub fn with_html(mut self) -> Self {
        self.0.html = true;
        self
    }

    /// Answers a status with this body, as it is.
    pub fn with_body(mut self, body: impl Into<String>) -> Self {
        self.0.body = Some(body.into());
        self
    }

    /// Bites requests of this path below the API's root; `*` at its end stands for anything.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.0.path = Some(path.into());
        self
    }

    /// Bites requests of this method.
    pub fn with_method(mut self, method: impl Into<String>) -> Self {
        self.0.method = Some(method.into());
        self
    }

    /// Bites answers of lists that hold the record with this id, as one bad row does.
    pub fn holding(mut self, id: i64) -> Self {
        self.0.holds_id = Some(id);
        self
    }

    /// The first request that it bites, counted from 1 since the simulator has the rule.
    pub fn nth(mut self, request: u64) -> Self {
        self.0.nth = request;
        self
    }

    /// How many requests in a row it bites: one, without this.
    pub fn times(mut self, requests: u64) -> Self {
        self.0.times = Some(requests);
        self
    }

    /// Bites this share of the requests, from 0 to 1, as the seed draws it.
    pub fn with_probability(mut self, share: f64, seed: u64) -> Self {
        self.0.probability = Some(share);
        self.0.seed = seed;
        self
    }

    /// The rule, if it makes sense.
    pub(crate) fn checked(self) -> Result<Rule, String> {
        self.0.check()?;
        Ok(self.0)
    }
}
