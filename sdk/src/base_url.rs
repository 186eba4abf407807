//! From what people know of their server to the root of its REST API.

use url::{Host, Url};

use crate::{Error, Result, reason::Reason};

/// Path of the REST API on every host: `v4_6_release` is served whatever codebase a cloud host runs today.
const API_PATH: &str = "/v4_6_release/apis/3.0";

/// Hosts of the web client. Their API is on a host of its own.
const REGIONS: [&str; 5] = ["na", "eu", "au", "aus", "za"];

/// The vendor's staging system.
const STAGING: &str = "staging.connectwisedev.com";

/// Reads `text`, the value of `variable`, as the root of an API: no trailing slash, no query.
pub(crate) fn parse(text: &str, variable: &'static str) -> Result<Url> {
    let invalid = |problem| Error::new(Reason::Invalid { variable, problem });
    let text = text.trim();
    if !text.contains("://") {
        return Err(invalid("has no scheme: write it as https://HOST"));
    }
    let mut url =
        Url::parse(text).map_err(|error| invalid("is not a URL: write it as https://HOST").with_source(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("holds a user name or a password: give those as CW_AUTH_USERNAME and CW_AUTH_PASSWORD"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(invalid("must start with https://, because http would send the credentials readable by all"));
        }
        _ => return Err(invalid("must start with https://")),
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("must end with its path: leave out what follows ? or #"));
    }
    if let Some(host) = url.host_str().and_then(api_host) {
        url.set_host(Some(&host)).map_err(|error| invalid("has no usable host").with_source(error))?;
    }
    let path = match url.path().trim_end_matches('/') {
        "" => API_PATH.to_owned(),
        path => path.to_owned(),
    };
    url.set_path(&path);
    Ok(url)
}

/// Whether requests to `url` stay on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn api_host(host: &str) -> Option<String> {
    let is_region = host.strip_suffix(".myconnectwise.net").is_some_and(|region| REGIONS.contains(&region));
    (is_region || host == STAGING).then(|| format!("api-{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn becomes_the_api_root() {
        let root = "https://api-na.myconnectwise.net/v4_6_release/apis/3.0";
        let table = [
            ("https://na.myconnectwise.net", root),
            ("https://NA.myconnectwise.net/", root),
            (" https://api-na.myconnectwise.net ", root),
            ("https://api-na.myconnectwise.net/v4_6_release/apis/3.0/", root),
            ("https://na.myconnectwise.net/v2025_1/apis/3.0", "https://api-na.myconnectwise.net/v2025_1/apis/3.0"),
            ("https://eu.myconnectwise.net", "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://au.myconnectwise.net", "https://api-au.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://aus.myconnectwise.net", "https://api-aus.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://za.myconnectwise.net", "https://api-za.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://staging.connectwisedev.com", "https://api-staging.connectwisedev.com/v4_6_release/apis/3.0"),
            ("https://sandbox-na.myconnectwise.net", "https://sandbox-na.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://psa.example.org:8443", "https://psa.example.org:8443/v4_6_release/apis/3.0"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v4_6_release/apis/3.0"),
            ("http://[::1]:8080/api", "http://[::1]:8080/api"),
            ("http://localhost:9/", "http://localhost:9/v4_6_release/apis/3.0"),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text, "CW_BASE_URL").unwrap().as_str(), expected, "{text}");
        }
    }

    #[test]
    fn says_what_is_wrong() {
        let table = [
            ("", "CW_BASE_URL has no scheme: write it as https://HOST"),
            ("na.myconnectwise.net", "CW_BASE_URL has no scheme: write it as https://HOST"),
            ("https://", "CW_BASE_URL is not a URL: write it as https://HOST"),
            ("ftp://na.myconnectwise.net", "CW_BASE_URL must start with https://"),
            (
                "http://na.myconnectwise.net",
                "CW_BASE_URL must start with https://, because http would send the credentials readable by all",
            ),
            (
                "https://user:geheim@na.myconnectwise.net",
                "CW_BASE_URL holds a user name or a password: give those as CW_AUTH_USERNAME and CW_AUTH_PASSWORD",
            ),
            ("https://na.myconnectwise.net/?a=b", "CW_BASE_URL must end with its path: leave out what follows ? or #"),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text, "CW_BASE_URL").unwrap_err().to_string(), expected, "{text}");
        }
    }
}
