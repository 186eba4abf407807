//! Which codebase a server runs: cloud hosts change it with every upgrade, and an address with an old one is a 404,
//! or a 400 of the gateway in front of them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer};
use url::Url;

use crate::{Clock, Config, Error, Response, Result, api_error::shown, reason::Reason, response::LONGEST_WORD};

/// A server that has just said which codebase it runs isn't asked again within this time.
const FRESH: Duration = Duration::from_secs(60);

/// What a server says about a company, without credentials.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct CompanyInfo {
    /// Name of the company.
    #[serde(default)]
    pub company_name: Option<String>,
    /// First part of the path of its API, for example `v2025_1/`.
    pub codebase: String,
    /// Release, for example `v2025.1`.
    #[serde(default)]
    pub version_code: Option<String>,
    /// Build, for example `v2025.1.104210`.
    #[serde(default)]
    pub version_number: Option<String>,
    /// The company id of the login page.
    #[serde(default, rename = "CompanyID")]
    pub company_id: Option<String>,
    /// Whether it is hosted by the vendor.
    #[serde(default, deserialize_with = "flag")]
    pub is_cloud: Option<bool>,
    /// The host that it names as its own. It is not followed.
    #[serde(default)]
    pub site_url: Option<String>,
}

/// `true`, or `"True"`, as servers differ.
fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Flag {
        Bool(bool),
        Text(String),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Option::<Flag>::deserialize(deserializer)? {
        Some(Flag::Bool(flag)) => Some(flag),
        Some(Flag::Text(text)) => text.trim().to_ascii_lowercase().parse().ok(),
        Some(Flag::Other(_)) | None => None,
    })
}

/// Reads the answer; an unknown company is answered with `null`.
pub(crate) fn read(response: &Response, company: &str) -> Result<CompanyInfo> {
    let info: Option<CompanyInfo> = response.json()?;
    let mut info = info.ok_or_else(|| response.error(Reason::UnknownCompany { company: company.to_owned() }))?;
    let clean = |text: &mut String| *text = shown(text, &response.redactor, LONGEST_WORD);
    // An address with a secret in it would be shown wherever it goes; what is left here is refused as a codebase.
    clean(&mut info.codebase);
    for text in [
        &mut info.company_name,
        &mut info.version_code,
        &mut info.version_number,
        &mut info.company_id,
        &mut info.site_url,
    ] {
        text.as_mut().map(clean);
    }
    Ok(info)
}

/// Where the API is now.
#[derive(Debug)]
pub(crate) struct Root {
    state: Mutex<RootState>,
    /// One at a time asks.
    pub(crate) asking: tokio::sync::Mutex<()>,
    /// Where to ask, without query.
    pub(crate) ask: Option<Url>,
    pub(crate) company: String,
}

#[derive(Debug)]
struct RootState {
    url: Arc<Url>,
    known: bool,
    asked_at: Option<Duration>,
}

impl Root {
    pub(crate) fn new(config: &Config) -> Self {
        let company = config.credentials.company().to_owned();
        Self {
            state: Mutex::new(RootState {
                url: Arc::new(config.base_url.clone()),
                known: config.site.is_none(),
                asked_at: None,
            }),
            asking: tokio::sync::Mutex::new(()),
            ask: ask(config, &company),
            company,
        }
    }

    /// The root as far as it is known.
    pub(crate) fn url(&self) -> Arc<Url> {
        self.state(|state| state.url.clone())
    }

    /// Whether nobody has said yet which codebase the server runs.
    pub(crate) fn is_unknown(&self) -> bool {
        self.state(|state| !state.known)
    }

    /// Whether `url`, at which something wasn't found, may be out of date and the server can be asked about it.
    pub(crate) fn may_be_stale(&self, url: &Url, clock: &dyn Clock) -> bool {
        // `v4_6_release` is served whatever a host runs.
        let pinned = codebase(url).is_some_and(|codebase| codebase != "v4_6_release");
        let now = clock.monotonic();
        pinned
            && self.ask.is_some()
            && self.state(|state| state.asked_at.is_none_or(|at| now.saturating_sub(at) >= FRESH))
    }

    /// Takes over what the server said.
    pub(crate) fn learn(&self, info: &CompanyInfo, clock: &dyn Clock) -> Result<Arc<Url>> {
        let codebase = info.codebase.trim_matches('/');
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        if codebase.is_empty() || !codebase.bytes().all(plain) || codebase.starts_with('.') {
            return Err(Error::new(Reason::Codebase { codebase: info.codebase.clone() }));
        }
        self.asked(clock);
        Ok(self.state(|state| {
            let mut url = Url::clone(&state.url);
            url.set_path(&format!("/{codebase}/apis/3.0"));
            (state.url, state.known) = (Arc::new(url), true);
            state.url.clone()
        }))
    }

    /// Notes that the server is being asked.
    pub(crate) fn asked(&self, clock: &dyn Clock) {
        let now = clock.monotonic();
        self.state(|state| state.asked_at = Some(now));
    }

    fn state<T>(&self, act: impl FnOnce(&mut RootState) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// `https://SITE/login/companyinfo/COMPANY`.
fn ask(config: &Config, company: &str) -> Option<Url> {
    let mut url = config.site.as_ref().unwrap_or(&config.base_url).clone();
    url.set_path("");
    url.path_segments_mut().ok()?.clear().extend(["login", "companyinfo", company]);
    Some(url)
}

/// The first part of the path of an API's root, if the path has the usual form.
fn codebase(url: &Url) -> Option<&str> {
    url.path().strip_prefix('/')?.strip_suffix("/apis/3.0").filter(|codebase| !codebase.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_write_the_flag_in_two_ways() {
        let flag = |text: &str| {
            let json = format!("{{\"Codebase\":\"v2025_1/\",\"IsCloud\":{text}}}");
            serde_json::from_str::<CompanyInfo>(&json).unwrap().is_cloud
        };
        let table = [
            ("true", Some(true)),
            ("false", Some(false)),
            ("\"True\"", Some(true)),
            ("\"false\"", Some(false)),
            ("\"\"", None),
            ("null", None),
            ("[]", None),
        ];
        for (text, expected) in table {
            assert_eq!(flag(text), expected, "{text}");
        }
    }

    #[test]
    fn only_the_usual_form_has_a_codebase() {
        let table = [
            ("https://h/v2025_1/apis/3.0", Some("v2025_1")),
            ("https://h/v4_6_release/apis/3.0", Some("v4_6_release")),
            ("https://h/api", None),
            ("https://h/a/b/apis/3.0", None),
        ];
        for (url, expected) in table {
            assert_eq!(codebase(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
