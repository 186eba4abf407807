//! What becomes of secrets and of personal data: the catalogue says which columns they are, a project what it wants.
//!
//! | | bronze | silver and what is made from it |
//! |---|---|---|
//! | secret: a declared column, a custom field of type `Password`, a free-form property called like one | kept, or nowhere | never |
//! | personal: a declared column, or one that a project names | kept | drop, unless it is kept or hashed |
//! | the name of somebody who is no member | kept | keep, unless it is hashed or dropped |
//! | everything else | kept | keep |
//!
//! | module | what it holds |
//! |---|---|
//! | `config` | the table `[privacy]` of the configuration |
//! | `json` | free-form JSON without secrets |
//! | `key` | keyed hashes |
//! | `name` | which names sound like secrets, or like personal data |
//! | `redact` | bronze batches and rejected records without secrets |

mod config;
mod json;
mod key;
mod name;
mod redact;

use std::collections::{BTreeMap, BTreeSet};

use connectwise_sdk::catalog::Entity;

use crate::catalog;
use crate::closest::advice;
use crate::contract::{IS_DELETED, Origin, Personal, SilverColumn, silver_columns};
use crate::error::{Error, Result};
pub use config::{PrivacyConfig, SecretStorage, Treatment};
pub use json::{strip, without_secrets};
pub use key::HashKey;
pub use name::{is_password_type, is_personal, is_secret, mentions_secret};
pub use redact::Redactor;

/// Environment variable that holds the key of hashed columns.
pub const KEY_VARIABLE: &str = "CW_PRIVACY_KEY";

/// A checked policy.
#[derive(Debug, Clone)]
pub struct Privacy {
    personal: Treatment,
    names: Treatment,
    secrets: SecretStorage,
    /// What single columns get, by table and column in lower case.
    columns: BTreeMap<(&'static str, String), Treatment>,
    key: Option<HashKey>,
}

impl Default for Privacy {
    /// The policy of a project that says nothing.
    fn default() -> Self {
        let PrivacyConfig { personal, names, secrets, .. } = PrivacyConfig::default();
        Self { personal, names, secrets, columns: BTreeMap::new(), key: None }
    }
}

impl Privacy {
    /// The policy of a configuration, without a key: enough to say what becomes of a column.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config), one sentence, for an entity or a column that doesn't exist, for a key or technical column that is
    /// to be hashed or dropped, and for a secret that is to be kept.
    pub fn new(config: &PrivacyConfig) -> Result<Self> {
        Self::with_columns(config, &[])
    }

    /// The same, where silver has more columns than the contract says.
    ///
    /// # Errors
    /// As [`Privacy::new`].
    pub fn with_columns(config: &PrivacyConfig, more: &[(&'static Entity, SilverColumn)]) -> Result<Self> {
        let mut columns = BTreeMap::new();
        for (path, treatment) in &config.columns {
            columns.insert(named(path, *treatment, more)?, *treatment);
        }
        let PrivacyConfig { personal, names, secrets, .. } = *config;
        Ok(Self { personal, names, secrets, columns, key: None })
    }

    /// The policy with the key of its hashes, ready to build tables.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config) when columns are to be hashed and there is no key, or it is too short to keep anything secret.
    pub fn with_key(mut self, key: Option<&str>) -> Result<Self> {
        let mut treatments = [self.personal, self.names].into_iter().chain(self.columns.values().copied());
        let hashes = treatments.any(|one| one == Treatment::Hash);
        self.key = match key {
            Some(key) => Some(HashKey::new(key)?),
            None if hashes => return Err(no_key()),
            None => None,
        };
        Ok(self)
    }

    /// What becomes of a column of silver.
    pub fn of(&self, entity: &Entity, column: &SilverColumn) -> Treatment {
        let rule = column.personal.map_or(Treatment::Keep, |personal| self.of_personal(personal));
        self.named(entity, column.field.name()).unwrap_or(rule)
    }

    /// Whether the policy names a column of silver, whatever it says of it.
    pub fn mentions(&self, entity: &Entity, column: &SilverColumn) -> bool {
        self.named(entity, column.field.name()).is_some()
    }

    /// What becomes of a custom field.
    pub fn of_custom_field(&self, entity: &Entity, id: i64) -> Treatment {
        self.named(entity, &format!("cf{id}")).unwrap_or(Treatment::Keep)
    }

    /// The custom fields of an entity whose values may not be in a text.
    pub fn withheld_custom_fields(&self, entity: &Entity) -> BTreeSet<i64> {
        let of_entity =
            self.columns.iter().filter(|((table, _), one)| *table == entity.table && **one != Treatment::Keep);
        of_entity.filter_map(|((_, column), _)| column.strip_prefix("cf")?.parse().ok()).collect()
    }

    fn named(&self, entity: &Entity, column: &str) -> Option<Treatment> {
        self.columns.get(&(entity.table, column.to_lowercase())).copied()
    }

    /// What becomes of values that tell something of a person, where no single column is meant.
    pub fn of_personal(&self, personal: Personal) -> Treatment {
        match personal {
            Personal::Name => self.names,
            Personal::Detail => self.personal,
        }
    }

    /// Where secrets are stored.
    pub fn secrets(&self) -> SecretStorage {
        self.secrets
    }

    /// The key of the hashes.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config) when there is none, which [`Privacy::with_key`] would have said before.
    pub fn key(&self) -> Result<&HashKey> {
        self.key.as_ref().ok_or_else(no_key)
    }
}

fn no_key() -> Error {
    Error::no_hash_key(KEY_VARIABLE, key::SHORTEST)
}

/// The table and the column that a path such as `Contact.birthDay` means.
fn named(path: &str, treatment: Treatment, more: &[(&'static Entity, SilverColumn)]) -> Result<(&'static str, String)> {
    let bad = |why: String| Error::privacy_column(path, why);
    let Some((entity, column)) = path.split_once('.') else {
        return Err(bad("a column is written as its entity and its name, as in \"Contact.birthDay\"".to_owned()));
    };
    let entity = catalog::entity(entity).map_err(|error| bad(error.to_string()))?;
    let column = column.trim();
    let custom = column.strip_prefix("cf").is_some_and(|id| !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()));
    if custom && entity.columns.iter().any(|column| column.name == "customFields") {
        return Ok((entity.table, column.to_owned()));
    }
    if secrets(entity).iter().any(|secret| secret.eq_ignore_ascii_case(column)) {
        return match treatment {
            Treatment::Drop => Ok((entity.table, column.to_lowercase())),
            _ => Err(bad("it is a secret, which silver never holds in any form".to_owned())),
        };
    }
    let more = more.iter().filter(|(of, _)| of.table == entity.table).map(|(_, column)| column.clone());
    let columns: Vec<SilverColumn> = silver_columns(entity).into_iter().chain(more).collect();
    let Some(found) = columns.iter().find(|found| found.field.name().eq_ignore_ascii_case(column)) else {
        let names = columns.iter().map(|column| column.field.name().as_str());
        let advice = advice(column, names, &format!("connectwise-etl schema {} lists its columns", entity.name));
        return Err(bad(format!("silver of {} has no column {column:?}: {advice}", entity.name)));
    };
    let needed = match &found.origin {
        Origin::Technical | Origin::Deleted => true,
        Origin::Path(path, ..) => path.as_slice() == [entity.key],
        Origin::Audit(_) => found.field.name() == "lastUpdated",
        Origin::Rescued(..) => false,
    };
    if needed && treatment != Treatment::Keep {
        return Err(bad(format!(
            "rows are told apart by {}, {} or when they changed, so it has to be kept",
            entity.key, IS_DELETED
        )));
    }
    Ok((entity.table, found.field.name().to_lowercase()))
}

/// The declared secrets of an entity, by their paths, as `company/password`.
pub fn secrets(entity: &Entity) -> Vec<String> {
    use connectwise_sdk::catalog::{Column, Kind, Meaning};
    fn walk(columns: &[Column], prefix: &str, found: &mut Vec<String>) {
        for column in columns {
            let path = format!("{prefix}{}", column.name);
            if column.meaning == Meaning::Secret {
                found.push(path);
                continue;
            }
            let mut kind = column.kind;
            while let Kind::List(element) = kind {
                kind = *element;
            }
            if let Kind::Struct(inner) = kind {
                walk(inner, &format!("{path}/"), found);
            }
        }
    }
    let mut found = Vec::new();
    walk(entity.columns, "", &mut found);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> Result<Privacy> {
        Privacy::new(&toml::from_str(text).unwrap())
    }

    fn treatment(privacy: &Privacy, entity: &str, column: &str) -> Treatment {
        let entity = catalog::entity(entity).unwrap();
        let columns = silver_columns(entity);
        privacy.of(entity, columns.iter().find(|found| found.field.name() == column).unwrap())
    }

    #[test]
    fn the_default_drops_what_no_report_needs_and_keeps_the_rest() {
        let privacy = Privacy::default();
        assert_eq!(treatment(&privacy, "Member", "homePhone"), Treatment::Drop);
        assert_eq!(treatment(&privacy, "Member", "hourlyCost"), Treatment::Keep);
        assert_eq!(treatment(&privacy, "TimeEntry", "notes"), Treatment::Keep);
        assert_eq!(privacy.secrets(), SecretStorage::Bronze);
    }

    #[test]
    fn a_single_column_goes_before_the_rule_for_all() {
        let privacy = policy(
            "personal = \"keep\"\nsecrets = \"nowhere\"\n[columns]\n\"member.HOMEPHONE\" = \"drop\"\n\"TimeEntry.notes\" = \"drop\"\n\
             \"Agreement.cf4\" = \"hash\"",
        )
        .unwrap();
        assert_eq!(treatment(&privacy, "Member", "homePhone"), Treatment::Drop);
        assert_eq!(treatment(&privacy, "Member", "homeEmail"), Treatment::Keep);
        assert_eq!(treatment(&privacy, "TimeEntry", "notes"), Treatment::Drop);
        assert_eq!(privacy.of_custom_field(catalog::entity("Agreement").unwrap(), 4), Treatment::Hash);
        assert_eq!(privacy.of_custom_field(catalog::entity("Agreement").unwrap(), 5), Treatment::Keep);
        assert_eq!(privacy.secrets(), SecretStorage::Nowhere);
        assert!(privacy.clone().with_key(Some("a key that is long enough")).is_ok());
        assert_eq!(
            privacy.with_key(None).unwrap_err().to_string(),
            "[privacy] hashes columns and there is no key for it: set CW_PRIVACY_KEY to a secret text of at least 16 \
             characters, and keep it, since another key gives other hashes"
        );
    }

    #[test]
    fn what_is_wrong_is_one_sentence() {
        for (column, sentence) in [
            (
                "homePhone",
                "[privacy.columns] names \"homePhone\": a column is written as its entity and its name, as in \"Contact.birthDay\"",
            ),
            (
                "Membr.homePhone",
                "[privacy.columns] names \"Membr.homePhone\": there is no entity \"Membr\": did you mean Member",
            ),
            (
                "Member.homeFone",
                "[privacy.columns] names \"Member.homeFone\": silver of Member has no column \"homeFone\": did you mean homePhone",
            ),
            (
                "Member.password",
                "[privacy.columns] names \"Member.password\": it is a secret, which silver never holds in any form",
            ),
            (
                "Member.id",
                "[privacy.columns] names \"Member.id\": rows are told apart by id, isDeleted or when they changed, so it has to be kept",
            ),
        ] {
            let error = policy(&format!("[columns]\n\"{column}\" = \"hash\"")).unwrap_err();
            assert!(error.is_usage());
            assert!(error.to_string().starts_with(sentence), "{error}");
        }
        assert!(toml::from_str::<PrivacyConfig>("personnal = \"drop\"").is_err());
        assert!(toml::from_str::<PrivacyConfig>("personal = \"hide\"").is_err());
    }

    #[test]
    fn no_column_of_the_catalogue_is_called_like_a_secret_without_being_one() {
        for entity in catalog::entities() {
            for column in silver_columns(entity) {
                let Origin::Path(path, connectwise_sdk::catalog::Kind::Utf8, _) = &column.origin else { continue };
                let name = path.last().unwrap();
                assert!(!is_secret(name), "{}.{name} has to be declared in lake.toml", entity.name);
            }
        }
    }
}
