//! What is wrong with names that people type, and with what they configure.

use std::fmt::Display;

use super::{Error, Kind};

impl Error {
    /// A name that no entity has, with those that may have been meant.
    pub(crate) fn unknown_entity(name: &str, advice: &str) -> Self {
        Self::usage(format!("there is no entity {name:?}: {advice}"))
    }

    /// A pattern that no entity's name meets, with those that may have been meant.
    pub(crate) fn unmet_pattern(pattern: &str, advice: &str) -> Self {
        Self::usage(format!("no entity has a name like {pattern:?}: {advice}"))
    }

    /// Lists of entities that leave none.
    pub(crate) fn nothing_selected() -> Self {
        Self::usage("include and exclude leave no entity: name fewer in exclude, or more in include")
    }

    /// A column of the privacy policy that isn't one, or that can't be treated so.
    pub(crate) fn privacy_column(path: &str, why: impl Display) -> Self {
        Self::new(Kind::Config, format!("[privacy.columns] names {path:?}: {why}"))
    }

    /// A property of `[silver.extra]` that can have no column of silver.
    pub(crate) fn extra_column(path: &str, why: impl Display) -> Self {
        Self::new(Kind::Config, format!("[silver.extra] names {path:?}: {why}"))
    }

    /// Hashes without a key; `variable` is where one is looked for.
    pub(crate) fn no_hash_key(variable: &str, least: usize) -> Self {
        let message = format!(
            "[privacy] hashes columns and there is no key for it: set {variable} to a secret text of at \
             least {least} characters, and keep it, since another key gives other hashes"
        );
        Self::new(Kind::Config, message)
    }

    /// A key of hashes that could be found by trying.
    pub(crate) fn short_hash_key(variable: &str, least: usize) -> Self {
        Self::new(Kind::Config, format!("{variable} is too short: it has to have at least {least} characters"))
    }
}
