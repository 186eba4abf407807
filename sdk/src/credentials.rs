//! Who asks: the keys, which are never shown.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

use crate::{Result, config, redact::Redactor};

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
    /// When one is empty or can't be sent: a sentence that names the argument, never its value.
    pub fn new(
        username: impl Into<String>,
        password: impl Into<SecretString>,
        client_id: impl Into<String>,
    ) -> Result<Self> {
        config::credentials(&username.into(), &password.into(), &client_id.into())
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

    /// What takes them out of texts that a server wrote.
    pub(crate) fn redactor(&self) -> Redactor {
        Redactor::new(&self.username, self.password.expose_secret(), &self.client_id)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials([redacted])")
    }
}
