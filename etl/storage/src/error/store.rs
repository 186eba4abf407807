//! What is wrong with the place of a lakehouse, or with what opens it.

use std::fmt::Display;

use url::Url;

use super::{Error, Kind};
use crate::TableName;
use crate::refusal::NoToken;

impl Error {
    /// A location that can't be that of a lakehouse.
    pub(crate) fn no_location(location: &str, why: impl Display) -> Self {
        Self::new(Kind::Config, format!("{location:?} is no place for a lakehouse: {why}"))
    }

    /// A table whose name can't be part of the lakehouse's URL.
    pub fn no_place(table: &TableName, root: &Url) -> Self {
        Self::new(Kind::Config, format!("{table} has no place in {root}"))
    }

    /// Settings that the store doesn't know, or that contradict each other.
    pub(crate) fn store_settings(root: &Url) -> Self {
        Self::new(Kind::Config, format!("the settings of the store {root} are wrong"))
    }

    /// A token that is more than one word.
    pub(crate) fn malformed_token() -> Self {
        Self::new(Kind::Config, "AZURE_STORAGE_TOKEN holds no token: that is one word")
    }

    /// A token that can't be used.
    pub(crate) fn unusable_token(why: &NoToken) -> Self {
        Self::new(Kind::Config, why.to_string())
    }

    /// A store for which there are no credentials: `missing` are the variables of a service principal of which others are set,
    /// and `takes_keys` says whether the store knows keys of accounts.
    pub(crate) fn no_credentials(root: &Url, missing: &[&str], takes_keys: bool) -> Self {
        let half = match missing.is_empty() {
            true => String::new(),
            false => format!(" (missing: {})", missing.join(", ")),
        };
        let keys = if takes_keys { "AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, " } else { "" };
        let message = format!(
            "nothing says who opens {root}{half}: set AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID of a service principal, or \
             {keys}AZURE_STORAGE_TOKEN, AZURE_FEDERATED_TOKEN_FILE, AZURE_USE_AZURE_CLI=true, or on a machine of Azure's \
             AZURE_USE_MANAGED_IDENTITY=true"
        );
        Self::new(Kind::Config, message)
    }

    /// The objects of a table can't be listed.
    pub(crate) fn unlisted(table: &TableName) -> Self {
        Self::new(Kind::Lake, format!("the files of {table} can't be listed")).about(table)
    }
}
