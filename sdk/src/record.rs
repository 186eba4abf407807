//! What all record types have: a name, perhaps an id, and rules for writing.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Timestamp;
use crate::rules::{Rule, Violation, Violations, Write, violations};

/// A record type of the API.
pub trait Record: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Schema name in the interface document, for example `TimeEntry`.
    const NAME: &'static str;

    /// Identifier of this record, where the answer had one.
    fn id(&self) -> Option<i64> {
        None
    }

    /// What the record says of itself under this name in `_info`, for example `dateEntered`.
    fn info_text(&self, _name: &str) -> Option<&str> {
        None
    }

    /// When the record was changed last, where the answer said so.
    fn last_updated(&self) -> Option<Timestamp> {
        self.info_text("lastUpdated").map(Timestamp::new)
    }

    /// Who changed the record last, where the answer said so.
    fn updated_by(&self) -> Option<&str> {
        self.info_text("updatedBy")
    }

    /// What the interface document demands of a record that is written.
    #[must_use]
    fn rules() -> &'static [Rule] {
        &[]
    }

    /// Checks a record before it is sent: required properties, longest texts, ranges, and properties that only a create
    /// or only an update takes.
    ///
    /// The document doesn't hold all rules of the server ("required when ..." is not in it), so that the server may still
    /// refuse a record that passes.
    ///
    /// ```
    /// use connectwise_sdk::{Record as _, Write, models::TimeEntry};
    ///
    /// let violations = TimeEntry::default().validate(Write::Create).unwrap_err();
    /// assert_eq!(violations[0].to_string(), "timeStart is required");
    /// assert_eq!(violations.to_string(), "a TimeEntry like this would be refused: timeStart is required");
    /// ```
    ///
    /// The violations are an error, which `?` passes on, also as the crate's own.
    ///
    /// # Errors
    /// Everything that breaks a rule, in the order of the properties.
    fn validate(&self, write: Write) -> Result<(), Violations> {
        let found = match serde_json::to_value(self) {
            Ok(value) => violations(Self::rules(), &value, write),
            Err(error) => vec![Violation::unwritable(&error)],
        };
        if found.is_empty() { Ok(()) } else { Err(Violations::new(Self::NAME, found)) }
    }
}
