//! What is wrong with the place of a lakehouse, with what opens it, or with the machine.

use std::fmt::Display;
use std::path::Path;

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
    pub(crate) fn no_place(table: &TableName, root: &Url) -> Self {
        Self::new(Kind::Config, format!("{table} has no place in {root}"))
    }

    /// A folder that this user may not look into.
    pub(crate) fn shut_folder(table: &TableName, place: &Path) -> Self {
        let place = place.display();
        let message = format!("{table} can't be read: let this user read and enter {place}, and all folders above it");
        Self::new(Kind::Io, message)
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

    /// A text that is no size for memory.
    pub(crate) fn memory_size(text: &str, why: &str) -> Self {
        Self::new(Kind::Config, format!("{text:?} is no size for memory: {why}, for example 2GB or 512MB"))
    }

    /// A machine on which queries can't write what doesn't fit into memory.
    pub(crate) fn no_temporary_files() -> Self {
        Self::new(Kind::Io, "there is no place for temporary files")
    }

    /// Rows of a change that are too many for memory, and for the folder of temporary files.
    pub(crate) fn unspilled(folder: &Path) -> Self {
        let folder = folder.display();
        let message = format!(
            "the rows of a large change can't be kept in {folder}: give TMPDIR a folder that has room for them"
        );
        Self::new(Kind::Lake, message)
    }

    /// A DataFusion session that doesn't take its options.
    pub(crate) fn session() -> Self {
        Self::new(Kind::Sql, "the SQL session can't be configured")
    }
}
