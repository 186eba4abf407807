//! Who asks: the keys, which are never shown.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::{Config, ConfigParts, Result};

/// Who asks: an API member's keys and the integration's client id.
#[derive(Clone)]
pub struct Credentials {
    pub(crate) username: String,
    pub(crate) password: SecretString,
    pub(crate) client_id: String,
}

impl Credentials {
    /// `username` is `company+publicKey`, `password` the private key, `client_id` the GUID of the integration from the
    /// vendor's developer portal.
    ///
    /// # Errors
    /// When one is empty or can't be sent.
    pub fn new(
        username: impl Into<String>,
        password: impl Into<SecretString>,
        client_id: impl Into<String>,
    ) -> Result<Self> {
        Config::from_parts(ConfigParts {
            // Only the credentials are kept of it.
            base_url: Some("https://localhost".to_owned()),
            username: Some(username.into()),
            password: Some(password.into()),
            client_id: Some(client_id.into()),
            ..ConfigParts::default()
        })
        .map(|config| config.credentials)
    }

    /// Value of the `Authorization` header.
    pub(crate) fn authorization(&self) -> SecretString {
        let pair = format!("{}:{}", self.username, self.password.expose_secret());
        format!("Basic {}", STANDARD.encode(pair)).into()
    }

    /// The company id of the login page.
    pub(crate) fn company(&self) -> &str {
        self.username.split('+').next().unwrap_or_default()
    }

    pub(crate) fn client_id(&self) -> &str {
        &self.client_id
    }

    /// Takes the credentials out of a text that a server wrote: some echo the request's headers.
    pub(crate) fn redact(&self, text: &str) -> String {
        let authorization = self.authorization();
        let encoded = authorization.expose_secret().trim_start_matches("Basic ");
        let mut text = text.to_owned();
        for secret in [encoded, self.password.expose_secret(), &self.username, &self.client_id] {
            text = text.replace(secret, "[redacted]");
        }
        text
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}
