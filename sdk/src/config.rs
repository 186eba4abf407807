//! Settings of a client: where the server is, who asks, and how patiently.

use std::{fmt, sync::Arc, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{Credentials, Error, Observer, Result, RetryPolicy, base_url, reason::Reason, resource::API_VERSION};

/// Largest page that the API gives.
pub const MAX_PAGE_SIZE: u32 = 1_000;

/// How often an idle connection is checked, so that one which a firewall dropped isn't used.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long an idle connection is kept.
pub(crate) const IDLE: Duration = Duration::from_secs(60);

/// Requests that are under way at once.
const DEFAULT_CONCURRENCY: usize = 4;

/// Requests in a second: a little below the 1,000 in a minute from which the vendor limits.
pub(crate) const DEFAULT_RATE: f64 = 16.0;

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

/// Everything a [`Client`](crate::Client) is made from.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) base_url: Url,
    /// Where to ask which codebase the server runs, if that isn't known yet.
    pub(crate) site: Option<Url>,
    pub(crate) credentials: Credentials,
    pub(crate) version: String,
    pub(crate) page_size: u32,
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) concurrency: usize,
    /// Requests in a second.
    pub(crate) rate: Option<f64>,
    pub(crate) certificates: Vec<reqwest::Certificate>,
    pub(crate) accepts_invalid_certificates: bool,
    pub(crate) observer: Option<Arc<dyn Observer>>,
}

impl Config {
    /// Settings for the server at `base_url`: the API's root or just its host (the web client's host is mapped to the
    /// API's). Only https, except on this machine.
    ///
    /// # Errors
    /// When the URL can't be used.
    pub fn new(base_url: &str, credentials: Credentials) -> Result<Self> {
        Ok(Self::with_defaults(base_url::parse(base_url, "CW_BASE_URL")?, credentials))
    }

    /// Settings from raw parts. Parts that are empty count as missing.
    ///
    /// A base URL is taken as it is. A site without one is asked, before the first request, which codebase it runs.
    ///
    /// # Errors
    /// A sentence that names the variable which is missing or wrong, never its value.
    pub fn from_parts(parts: ConfigParts) -> Result<Self> {
        let (base_url, site) = address(given(parts.base_url), given(parts.site))?;
        let username = username(given(parts.username), given(parts.company), given(parts.public_key))?;
        let password = [parts.password, parts.private_key]
            .into_iter()
            .flatten()
            .find(|secret| !secret.expose_secret().trim().is_empty())
            .ok_or_else(|| missing("CW_AUTH_PASSWORD", "give the private key of the API member"))?;
        let client_id = given(parts.client_id).ok_or_else(|| {
            missing("CW_CLIENTID", "give the client id of your integration, from developer.connectwise.com")
        })?;
        if !client_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(invalid("CW_CLIENTID", "must be a GUID, without spaces or line breaks"));
        }
        let password = SecretString::from(password.expose_secret().trim());
        Ok(Self { site, ..Self::with_defaults(base_url, Credentials { username, password, client_id }) })
    }

    fn with_defaults(base_url: Url, credentials: Credentials) -> Self {
        Self {
            // There is nobody to be considerate of on this machine.
            rate: (!base_url::is_loopback(&base_url)).then_some(DEFAULT_RATE),
            base_url,
            site: None,
            credentials,
            version: API_VERSION.to_owned(),
            page_size: MAX_PAGE_SIZE,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
            concurrency: DEFAULT_CONCURRENCY,
            certificates: Vec::new(),
            accepts_invalid_certificates: false,
            observer: None,
        }
    }

    /// Root of the API as configured, without trailing slash. Where a client really sends its requests is
    /// [`Client::base_url`](crate::Client::base_url).
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.base_url.as_str()
    }

    /// Version of the API that is asked for.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Asks for another version of the API than [`API_VERSION`], for example `2025.1`.
    ///
    /// # Errors
    /// When it isn't made of digits and dots.
    pub fn with_version(mut self, version: &str) -> Result<Self> {
        check_version(version)?.clone_into(&mut self.version);
        Ok(self)
    }

    /// Records in a page, 1 to 1000 (default 1000). A listing can ask for another size.
    #[must_use]
    pub fn with_page_size(mut self, size: u32) -> Self {
        self.page_size = size;
        self
    }

    /// Longest time to connect (default 10 s).
    #[must_use]
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest silence while waiting for an answer or within it (default 60 s).
    #[must_use]
    pub fn with_read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How failed requests are repeated.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// Most requests that a client and its clones have under way at once, at least 1 (default 4).
    #[must_use]
    pub fn with_concurrency(mut self, requests: usize) -> Self {
        self.concurrency = requests;
        self
    }

    /// Most requests that a client and its clones start in a second, on average (default 16, which is a little less than
    /// the vendor allows; none on this machine). `None` is no limit, and so is what isn't above zero.
    #[must_use]
    pub fn with_rate(mut self, per_second: Option<f64>) -> Self {
        self.rate = per_second;
        self
    }

    /// Trusts these certificates too (PEM, one or more): the authority of a server of one's own.
    ///
    /// # Errors
    /// When there is none in it.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self> {
        const VARIABLE: &str = "the file of root certificates";
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|error| invalid(VARIABLE, "can't be read: it must be in PEM form").with_source(error))?;
        if certificates.is_empty() {
            return Err(invalid(VARIABLE, "holds no certificate: it must be in PEM form"));
        }
        self.certificates.extend(certificates);
        Ok(self)
    }

    /// Believes any certificate, for a self-signed one on one's own network.
    ///
    /// Whoever is between this machine and the server can then read the credentials and all data, and change both.
    /// [`with_root_certificates`](Self::with_root_certificates) does the same without that.
    #[must_use]
    pub fn with_danger_accept_invalid_certificates(mut self, accept: bool) -> Self {
        self.accepts_invalid_certificates = accept;
        self
    }

    /// Who hears of every attempt.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }
}

/// The root of the API, and the site to ask about it.
fn address(base_url: Option<String>, site: Option<String>) -> Result<(Url, Option<Url>)> {
    let site = match (base_url, site) {
        (Some(url), _) => return Ok((base_url::parse(&url, "CW_BASE_URL")?, None)),
        (None, Some(site)) if site.contains("://") => site,
        (None, Some(site)) => format!("https://{site}"),
        (None, None) => {
            return Err(missing(
                "CW_BASE_URL",
                "give the address of the API, for example https://api-na.myconnectwise.net",
            ));
        }
    };
    let root = base_url::parse(&site, "CW_SITE")?;
    // A path says already which codebase it is.
    let ask = Url::parse(site.trim()).ok().filter(|site| site.path().trim_matches('/').is_empty());
    Ok((root, ask))
}

pub(crate) fn check_version(version: &str) -> Result<&str> {
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(invalid("the API version", "must look like 2025.8"));
    }
    Ok(version)
}

fn username(username: Option<String>, company: Option<String>, public_key: Option<String>) -> Result<String> {
    let username = match (username, company, public_key) {
        (Some(username), ..) => username,
        (None, Some(company), Some(key)) => format!("{company}+{key}"),
        (None, Some(_), None) => {
            return Err(missing("CW_PUBLIC_KEY", "CW_COMPANY needs the public key of the API member beside it"));
        }
        (None, None, Some(_)) => {
            return Err(missing("CW_COMPANY", "CW_PUBLIC_KEY needs the company id of the login page beside it"));
        }
        (None, None, None) => {
            return Err(missing("CW_AUTH_USERNAME", "give company+publicKey of the API member"));
        }
    };
    match username.split_once('+') {
        Some((company, key)) if !company.is_empty() && !key.is_empty() && !username.contains(':') => Ok(username),
        _ => Err(invalid("CW_AUTH_USERNAME", "must have the form company+publicKey")),
    }
}

fn given(value: Option<String>) -> Option<String> {
    value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

fn missing(variable: &'static str, hint: &'static str) -> Error {
    Error::new(Reason::Missing { variable, hint })
}

fn invalid(variable: &'static str, problem: &'static str) -> Error {
    Error::new(Reason::Invalid { variable, problem })
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
        let table: [(Spoil, &str); 8] = [
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
        assert_eq!(config.credentials.redact(echo), "Authorization: Basic [redacted], clientId [redacted], [redacted]");
    }

    #[test]
    fn a_version_is_digits_and_dots() {
        let config = Config::from_parts(parts()).unwrap();
        assert_eq!(config.clone().with_version("2025.1").unwrap().version, "2025.1");
        assert_eq!(config.with_version("latest\n").unwrap_err().to_string(), "the API version must look like 2025.8");
    }
}
