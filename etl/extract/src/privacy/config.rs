//! The table `[privacy]` of a project's configuration.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What a project wants with secrets and personal data.
///
/// ```toml
/// [privacy]
/// personal = "hash"                # keep | hash | drop, for what the catalogue calls personal
/// names = "hash"                   # keep | hash | drop, for the names of people who are no members
/// secrets = "nowhere"              # bronze | nowhere: silver never has them
///
/// [privacy.columns]                # single columns of silver, of any meaning; custom fields by id
/// "Contact.city" = "keep"
/// "TimeEntry.internalNotes" = "drop"
/// "Company.cf20" = "hash"
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacyConfig {
    /// What becomes of personal columns in silver.
    pub personal: Treatment,
    /// What becomes of the names of people who are no members.
    pub names: Treatment,
    /// Where secrets are stored.
    pub secrets: SecretStorage,
    /// What becomes of single columns, by `Entity.column`.
    pub columns: BTreeMap<String, Treatment>,
}

impl Default for PrivacyConfig {
    fn default() -> Self {
        let secrets = SecretStorage::default();
        let columns = BTreeMap::new();
        Self { personal: Treatment::Drop, names: Treatment::Keep, secrets, columns }
    }
}

/// What becomes of a column in silver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Treatment {
    /// The value as it is.
    Keep,
    /// HMAC-SHA256 of the value's text in lower-case hexadecimal digits: equal values stay equal, in all tables.
    Hash,
    /// NULL in every row.
    Drop,
}

impl Treatment {
    /// As configuration spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Hash => "hash",
            Self::Drop => "drop",
        }
    }
}

/// Where secrets are stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretStorage {
    /// In bronze, which holds what the API answered, and nowhere else.
    #[default]
    Bronze,
    /// In no table: what bronze would hold of them is taken out before it is written.
    Nowhere,
}
