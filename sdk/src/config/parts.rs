//! Settings as an environment or a file gives them, and what is wrong with them.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use super::Config;
use crate::Result;

/// Raw settings, as an environment or a file gives them. Field for field: what the variable is called that errors name.
#[derive(Clone, Default)]
pub struct ConfigParts {
    /// `CW_BASE_URL`: root of the API or just its host, with scheme.
    pub base_url: Option<String>,
    /// `CW_SITE`: the host that people type to get to the web client; used when there is no base URL.
    pub site: Option<String>,
    /// `CW_AUTH_USERNAME`: `company+publicKey`.
    pub username: Option<String>,
    /// `CW_COMPANY`: the company id of the login page; used with the public key when there is no user name.
    pub company: Option<String>,
    /// `CW_PUBLIC_KEY`: the API member's public key.
    pub public_key: Option<String>,
    /// `CW_AUTH_PASSWORD`: the API member's private key.
    pub password: Option<SecretString>,
    /// `CW_PRIVATE_KEY`: another name of the password.
    pub private_key: Option<SecretString>,
    /// `CW_CLIENTID`: the integration's client id.
    pub client_id: Option<String>,
}

impl fmt::Debug for ConfigParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfigParts").field("site", &self.site).field("company", &self.company).finish_non_exhaustive()
    }
}

impl Config {
    /// Settings from raw parts. Parts that are empty count as missing.
    ///
    /// A site without a base URL is asked, before the first request, which codebase it runs.
    ///
    /// # Errors
    /// A sentence that names the variable which is missing or wrong, never its value.
    pub fn from_parts(parts: ConfigParts) -> Result<Self> {
        let secret = |secret: &Option<SecretString>| secret.as_ref().map(|text| text.expose_secret().to_owned());
        Self::from_layers(&[&|name| match name {
            "CW_BASE_URL" => parts.base_url.clone(),
            "CW_SITE" => parts.site.clone(),
            "CW_AUTH_USERNAME" => parts.username.clone(),
            "CW_COMPANY" => parts.company.clone(),
            "CW_PUBLIC_KEY" => parts.public_key.clone(),
            "CW_AUTH_PASSWORD" => secret(&parts.password),
            "CW_PRIVATE_KEY" => secret(&parts.private_key),
            "CW_CLIENTID" => parts.client_id.clone(),
            _ => None,
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> ConfigParts {
        ConfigParts {
            base_url: Some("https://na.myconnectwise.net".to_owned()),
            username: Some("acme+pub".to_owned()),
            password: Some("geheim".into()),
            client_id: Some("11111111-2222-3333-4444-555555555555".to_owned()),
            ..ConfigParts::default()
        }
    }

    #[test]
    fn each_missing_part_is_named() {
        type Spoil = fn(&mut ConfigParts);
        let table: [(Spoil, &str); 9] = [
            (
                |parts| parts.base_url = None,
                "CW_BASE_URL is not set: give the address of the API, for example https://api-na.myconnectwise.net",
            ),
            (|parts| parts.username = None, "CW_AUTH_USERNAME is not set: give company+publicKey of the API member"),
            (
                |parts| parts.password = Some(" ".into()),
                "CW_AUTH_PASSWORD is not set: give the private key of the API member",
            ),
            (
                |parts| parts.client_id = Some(String::new()),
                "CW_CLIENTID is not set: give the client id of your integration, from developer.connectwise.com",
            ),
            (
                |parts| (parts.username, parts.company) = (None, Some("acme".to_owned())),
                "CW_PUBLIC_KEY is not set: CW_COMPANY needs the public key of the API member beside it",
            ),
            (
                |parts| (parts.username, parts.public_key) = (None, Some("pub".to_owned())),
                "CW_COMPANY is not set: CW_PUBLIC_KEY needs the company id of the login page beside it",
            ),
            (|parts| parts.username = Some("acme".to_owned()), "CW_AUTH_USERNAME must have the form company+publicKey"),
            (
                |parts| parts.client_id = Some("a\r\nb".to_owned()),
                "CW_CLIENTID holds a line break or another control character",
            ),
            (
                |parts| parts.client_id = Some("a b".to_owned()),
                "CW_CLIENTID must be a GUID, without spaces or line breaks",
            ),
        ];
        for (spoil, expected) in table {
            let mut parts = parts();
            spoil(&mut parts);
            let error = Config::from_parts(parts).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(error.is_config());
        }
    }

    #[test]
    fn the_short_names_make_the_same() {
        let config = Config::from_parts(ConfigParts {
            site: Some("na.myconnectwise.net".to_owned()),
            company: Some("acme".to_owned()),
            public_key: Some("pub".to_owned()),
            private_key: Some("geheim".into()),
            client_id: parts().client_id,
            ..ConfigParts::default()
        })
        .unwrap();
        let same = Config::from_parts(parts()).unwrap();
        assert_eq!(config.base_url(), same.base_url());
        // printf 'acme+pub:geheim' | base64
        assert_eq!(config.credentials.authorization().expose_secret(), "Basic YWNtZStwdWI6Z2VoZWlt");
        assert_eq!(same.credentials.authorization().expose_secret(), "Basic YWNtZStwdWI6Z2VoZWlt");
    }

    #[test]
    fn no_secret_is_shown() {
        let config = Config::from_parts(parts()).unwrap();
        for shown in [format!("{config:?}"), format!("{:?}", parts())] {
            for secret in ["geheim", "pub", "11111111", "YWNt"] {
                assert!(!shown.contains(secret), "{secret} in {shown}");
            }
        }
        let echo = "Authorization: Basic YWNtZStwdWI6Z2VoZWlt, clientId 11111111-2222-3333-4444-555555555555, geheim";
        assert_eq!(
            config.credentials.redactor().clean(echo),
            "Authorization: Basic [redacted], clientId [redacted], [redacted]"
        );
    }

    #[test]
    fn a_version_is_digits_and_dots() {
        let config = Config::from_parts(parts()).unwrap();
        assert_eq!(config.clone().with_version("2025.1").unwrap().version, "2025.1");
        assert_eq!(config.with_version("latest\n").unwrap_err().to_string(), "the API version must look like 2025.8");
    }
}
