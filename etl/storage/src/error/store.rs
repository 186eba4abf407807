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

    /// A key or a token that is more than one word.
    pub(crate) fn malformed_secret(variable: &str) -> Self {
        let what = if variable.ends_with("TOKEN") { "token" } else { "key" };
        Self::new(Kind::Config, format!("{variable} holds no {what}: that is one word"))
    }

    /// A function that gives tokens, for a store that takes none of them.
    pub(crate) fn foreign_tokens(root: &Url) -> Self {
        let message =
            format!("a function that gives tokens opens Azure's stores alone: {root} is opened by its variables");
        Self::new(Kind::Config, message)
    }

    /// An endpoint without TLS that nobody allowed.
    pub(crate) fn plain_http(root: &Url) -> Self {
        let message = format!(
            "the endpoint of {root} is one without TLS, to which what is written goes unencrypted: set AWS_ALLOW_HTTP=true where \
             that is meant, or an address that begins with https://"
        );
        Self::new(Kind::Config, message)
    }

    /// A store that takes nothing below the lakehouse.
    pub(crate) fn unwritable_store(root: &Url) -> Self {
        Self::new(Kind::Lake, format!("{root} can't be written"))
    }

    /// A store in which the later of two commits would take the place of the earlier one.
    pub(crate) fn unconditional_store(root: &Url) -> Self {
        let message = format!(
            "the store of {root} doesn't know conditions (it put an object with If-None-Match: * where there was one), so that two \
             runs at once would lose rows: nothing was written, and it takes a version of it that does"
        );
        Self::new(Kind::Config, message)
    }

    /// A token that can't be used.
    pub(crate) fn unusable_token(why: &NoToken) -> Self {
        Self::new(Kind::Config, why.to_string())
    }

    /// A store of Azure's for which there are no credentials: `missing` are the variables of a service principal of which others are set,
    /// and `takes_keys` says whether the store knows keys of accounts.
    pub(crate) fn no_azure_credentials(root: &Url, missing: &[&str], takes_keys: bool) -> Self {
        let keys = if takes_keys { "AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, " } else { "" };
        let variables = format!(
            "AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID of a service principal, or {keys}AZURE_STORAGE_TOKEN, \
             AZURE_FEDERATED_TOKEN_FILE, AZURE_USE_AZURE_CLI=true, or on a machine of Azure's AZURE_USE_MANAGED_IDENTITY=true"
        );
        Self::unopened_store(root, missing, &variables)
    }

    /// A store of S3 for which there are no credentials: `missing` is what lacks of those that are set in part.
    pub(crate) fn no_aws_credentials(root: &Url, missing: &[String]) -> Self {
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        let variables = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, with AWS_SESSION_TOKEN where they came with one, or \
            AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or on a machine of AWS's AWS_USE_INSTANCE_PROFILE=true";
        Self::unopened_store(root, &missing, variables)
    }

    /// A store of Google's for which there are no credentials.
    pub(crate) fn no_google_credentials(root: &Url) -> Self {
        let variables = "GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT to the path of a file with a key, or \
            GOOGLE_SERVICE_ACCOUNT_KEY to its text, or on a machine of Google's, and where gcloud has logged in, \
            GOOGLE_USE_APPLICATION_DEFAULT=true";
        Self::unopened_store(root, &[], variables)
    }

    fn unopened_store(root: &Url, missing: &[&str], variables: &str) -> Self {
        let half = match missing.is_empty() {
            true => String::new(),
            false => format!(" (missing: {})", missing.join(", ")),
        };
        let message = format!("nothing says who opens {root}{half}: set {variables}");
        Self::new(Kind::Config, message)
    }

    /// The objects of a table can't be listed.
    pub(crate) fn unlisted(table: &TableName) -> Self {
        Self::new(Kind::Lake, format!("the files of {table} can't be listed")).about(table)
    }
}
