//! From what people know of their server to the root of its REST API.

use url::{Host, Url};

use crate::{Error, Result, config::clean, reason::Reason};

/// Path of the REST API on every host: `v4_6_release` is served whatever codebase a cloud host runs today.
const API_PATH: &str = "/v4_6_release/apis/3.0";

/// Hosts of the web client. Their API is on a host of its own.
const REGIONS: [&str; 5] = ["na", "eu", "au", "aus", "za"];

/// Domains of the vendor's own hosts.
const VENDOR: [&str; 2] = [".myconnectwise.net", ".connectwisedev.com"];

/// The vendor's staging system.
const STAGING: &str = "staging.connectwisedev.com";

/// Pages of the vendor that people copy in place of their server's address.
const PAGES: [&str; 8] = ["developer", "docs", "home", "marketplace", "university", "www", "status", "control"];

/// First parts of the paths of lists, for whoever leaves out the API's own part.
const MODULES: [&str; 12] = [
    "company",
    "configurations",
    "expense",
    "finance",
    "marketing",
    "procurement",
    "project",
    "sales",
    "schedule",
    "service",
    "system",
    "time",
];

const NOT_A_URL: &str = "is not a URL: write it as https://HOST";
const NO_HOST: &str = "names no host: write it as https://HOST, where HOST has letters, digits, dots and hyphens";
const NOT_EXPANDED: &str =
    "names a variable: neither .env nor docker --env-file puts its value there, so write the address itself";
const NOT_THE_ROOT: &str =
    "has a path that isn't the API's: write it as https://HOST, or as https://HOST/CODEBASE/apis/3.0";

/// Where an API is.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    /// Its root: no trailing slash, no query.
    pub(crate) root: Url,
    /// The server as it was written, without path.
    pub(crate) typed: Url,
    /// Whether the codebase was written too.
    pub(crate) names_codebase: bool,
}

/// Reads `text`, the value of `variable`, as the root of an API: the root itself, its host, or whatever else of that server
/// people copy, such as the address of a page of the web client, or of a list.
pub(crate) fn parse(text: &str, variable: &'static str) -> Result<Address> {
    let invalid = |problem| Error::new(Reason::Invalid { variable, problem });
    let text = clean(clean(text).trim_start_matches('<').trim_end_matches(['>', '.', ',', ';']));
    if text.is_empty() {
        return Err(invalid("is empty: write it as https://HOST"));
    }
    if text.contains(|letter: char| letter.is_whitespace() || letter.is_control()) {
        return Err(invalid("holds a space or a line break: write it as https://HOST"));
    }
    let (scheme, written) = with_scheme(text);
    let url = Url::parse(&written).map_err(|error| invalid(NOT_A_URL).with_source(error))?;
    if !url.username().is_empty() || url.password().is_some() {
        // A program gives credentials beside the address; whoever sets variables has two more of them.
        return Err(invalid(match variable {
            "base_url" => "holds a user name or a password: give those apart from it, as the credentials",
            _ => "holds a user name or a password: give those as CW_AUTH_USERNAME and CW_AUTH_PASSWORD",
        }));
    }
    match url.scheme() {
        "https" if scheme || !is_loopback(&url) => {}
        "https" => return Err(invalid("has no scheme: write it as http://HOST or https://HOST")),
        "http" if is_loopback(&url) => {}
        "http" => {
            return Err(invalid("must start with https://, because http would send the credentials readable by all"));
        }
        _ => return Err(invalid("must start with https://")),
    }
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_owned();
    if matches!(host.as_str(), "http" | "https") {
        return Err(invalid("has its scheme twice: write it as https://HOST"));
    }
    if host.contains('$') {
        return Err(invalid(NOT_EXPANDED));
    }
    // The parser of URLs takes more than any network has names for, such as a comma between two addresses.
    if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte)) {
        return Err(invalid(NO_HOST));
    }
    if REGIONS.contains(&host.as_str()) {
        return Err(invalid("is only a part of the host: write all of it, for example https://na.myconnectwise.net"));
    }
    let page = host.strip_suffix("connectwise.com").map(|name| name.trim_end_matches('.'));
    if page.is_some_and(|name| name.is_empty() || PAGES.contains(&name)) {
        return Err(invalid(
            "is a page of the vendor and no PSA server: write the host where you log in, for example \
             https://na.myconnectwise.net",
        ));
    }
    let on = |host: &str, path: &str| -> Result<Url> {
        let mut url = url.clone();
        url.set_query(None);
        url.set_fragment(None);
        url.set_path(path);
        url.set_host(Some(host)).map_err(|error| invalid("has no usable host").with_source(error))?;
        Ok(url)
    };
    let path = match api_path(url.path()) {
        Some(path) => path,
        // What stands in for a server on this machine may have its root anywhere.
        None if is_loopback(&url) => (url.path().trim_end_matches('/').to_owned(), true),
        None => return Err(invalid(NOT_THE_ROOT)),
    };
    let (path, names_codebase) = path;
    if VENDOR.iter().any(|domain| host.ends_with(domain)) && path.matches('/').count() > 3 {
        return Err(invalid(NOT_THE_ROOT));
    }
    let root = on(&api_host(&host).unwrap_or_else(|| host.clone()), &path)?;
    Ok(Address { root, typed: on(&host, "")?, names_codebase })
}

/// The text with a scheme, and whether it had one. What stands before a colon may be a host with its port.
fn with_scheme(text: &str) -> (bool, String) {
    let lower = text.to_ascii_lowercase();
    let letters = lower.bytes().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (name, rest) = lower.split_at(letters);
    if matches!(name, "http" | "https") && rest.starts_with("//") {
        return (true, format!("{name}:{}", text.get(letters..).unwrap_or_default()));
    }
    if rest.starts_with("://") || (matches!(name, "http" | "https") && rest.starts_with(':')) {
        return (true, text.to_owned());
    }
    (false, format!("https://{}", text.trim_start_matches(['/', '\\'])))
}

/// The path of the API on a server of which `path` is known, and whether it names the codebase; `None` when that can't be
/// told.
fn api_path(path: &str) -> Option<(String, bool)> {
    let parts: Vec<&str> = path.split('/').map(plain).filter(|part| !part.is_empty()).collect();
    let is = |part: &&str, name: &str| part.eq_ignore_ascii_case(name);
    let usual = Some((API_PATH.to_owned(), false));
    if let Some(at) = parts.iter().position(|part| is(part, "apis")) {
        if !parts.get(at + 1).is_none_or(|version| matches!(*version, "3.0" | "3")) {
            return None;
        }
        let before = parts.get(..at).unwrap_or_default();
        return if before.is_empty() { usual } else { Some((root(before), true)) };
    }
    if let Some(at) = parts.iter().position(|part| is_codebase(part)) {
        let before = parts.get(..at).unwrap_or_default();
        // A page of the web client: the codebase in it goes out of date, the usual one doesn't.
        let page = at + 1 < parts.len();
        let codebase = if page { "v4_6_release" } else { parts.get(at)? };
        return Some((root(&[before, &[codebase]].concat()), !page));
    }
    let Some(first) = parts.first() else { return usual };
    let page =
        |part: &&str| [".aspx", ".rails", ".html", ".htm"].iter().any(|end| part.to_ascii_lowercase().ends_with(end));
    let known = MODULES.iter().any(|module| is(first, module)) || is(first, "login");
    if known || parts.last().is_some_and(page) { usual } else { None }
}

/// A part of a path without what a copied line leaves at its end.
fn plain(part: &str) -> &str {
    part.trim_start_matches("%20").trim_end_matches("%20").trim_end_matches('.')
}

fn root(before: &[&str]) -> String {
    let part = |part: &&str| if is_codebase(part) { part.to_ascii_lowercase() } else { (*part).to_owned() };
    let before: Vec<String> = before.iter().map(part).collect();
    format!("/{}/apis/3.0", before.join("/"))
}

/// `v4_6_release`, `v2025_1`.
fn is_codebase(part: &str) -> bool {
    let part = part.to_ascii_lowercase();
    let rest = part.strip_prefix('v').unwrap_or_default();
    rest.contains('_')
        && rest.starts_with(|letter: char| letter.is_ascii_digit())
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The server behind `url`, the same whatever way its address is written.
pub(crate) fn server(url: &Url) -> String {
    if is_loopback(url) {
        return "localhost".to_owned();
    }
    let host = url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase();
    let hosted = |name: &&str| VENDOR.iter().any(|domain| name.ends_with(domain));
    let host = host.strip_prefix("api-").filter(hosted).unwrap_or(&host);
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The one name that means this machine. The client doesn't look it up, so that it means nothing else either; what is below it,
/// such as `foo.localhost`, is looked up as any name.
pub(crate) const LOCAL: &str = "localhost";

/// Whether requests to `url` stay on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == LOCAL,
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

    const NA: &str = "https://api-na.myconnectwise.net/v4_6_release/apis/3.0";
    const OWN: &str = "https://psa.example.org/v4_6_release/apis/3.0";

    #[test]
    fn every_spelling_becomes_the_api_root() {
        let table = [
            // Hosts, those of the web client among them.
            ("https://na.myconnectwise.net", NA),
            ("https://NA.myconnectwise.net/", NA),
            (" https://api-na.myconnectwise.net ", NA),
            ("\"https://api-na.myconnectwise.net\"", NA),
            ("<https://na.myconnectwise.net>", NA),
            ("https://na.myconnectwise.net.", NA),
            ("https://na.myconnectwise.net./", NA),
            ("https://na.myconnectwise.net,", NA),
            ("https://na.myconnectwise.net:443", NA),
            ("HTTPS://na.myconnectwise.net", NA),
            ("https:\\\\na.myconnectwise.net\\", NA),
            ("https:/na.myconnectwise.net", NA),
            ("https//na.myconnectwise.net", NA),
            ("na.myconnectwise.net", NA),
            ("//na.myconnectwise.net", NA),
            ("api-na.myconnectwise.net/", NA),
            ("psa.example.org", OWN),
            ("psa.example.org:8443", "https://psa.example.org:8443/v4_6_release/apis/3.0"),
            ("https://eu.myconnectwise.net", "https://api-eu.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://au.myconnectwise.net", "https://api-au.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://aus.myconnectwise.net", "https://api-aus.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://za.myconnectwise.net", "https://api-za.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://staging.connectwisedev.com", "https://api-staging.connectwisedev.com/v4_6_release/apis/3.0"),
            ("https://sandbox-na.myconnectwise.net", "https://sandbox-na.myconnectwise.net/v4_6_release/apis/3.0"),
            ("https://psa.example.org:8443", "https://psa.example.org:8443/v4_6_release/apis/3.0"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v4_6_release/apis/3.0"),
            ("http://LOCALHOST:9/", "http://localhost:9/v4_6_release/apis/3.0"),
            ("http://127.9.9.9/", "http://127.9.9.9/v4_6_release/apis/3.0"),
            // Written in another way, it is the same address.
            ("http://2130706433/", "http://127.0.0.1/v4_6_release/apis/3.0"),
            ("http://localhost:9/", "http://localhost:9/v4_6_release/apis/3.0"),
            ("http://[::1]:8080/api", "http://[::1]:8080/api"),
            // The root, and parts of it.
            ("https://api-na.myconnectwise.net/v4_6_release/apis/3.0", NA),
            ("https://api-na.myconnectwise.net/v4_6_release/apis/3.0/", NA),
            ("https://api-na.myconnectwise.net/V4_6_Release/APIs/3.0", NA),
            ("https://api-na.myconnectwise.net//v4_6_release/apis/3.0", NA),
            ("https://api-na.myconnectwise.net/v4_6_release//apis/3.0//", NA),
            ("https://api-na.myconnectwise.net/v4_6_release/apis/3.0.", NA),
            ("https://api-na.myconnectwise.net/v4_6_release/apis/3.0/%20", NA),
            ("https://na.myconnectwise.net/v4_6_release", NA),
            ("https://na.myconnectwise.net/v4_6_release/", NA),
            ("https://na.myconnectwise.net/v4_6_release/apis", NA),
            ("https://na.myconnectwise.net/apis/3.0", NA),
            ("na.myconnectwise.net/v4_6_release/apis/3.0", NA),
            ("https://na.myconnectwise.net/v2025_1/apis/3.0", "https://api-na.myconnectwise.net/v2025_1/apis/3.0"),
            ("https://na.myconnectwise.net/v2025_1", "https://api-na.myconnectwise.net/v2025_1/apis/3.0"),
            (
                "https://gate.example.org/psa/v4_6_release/apis/3.0",
                "https://gate.example.org/psa/v4_6_release/apis/3.0",
            ),
            // Lists, records and their conditions.
            ("https://api-na.myconnectwise.net/v4_6_release/apis/3.0/service/tickets", NA),
            ("https://api-na.myconnectwise.net/v4_6_release/apis/3.0/service/tickets/7?fields=id", NA),
            ("https://api-na.myconnectwise.net/v4_6_release/apis/3.0?pageSize=1", NA),
            ("https://api-na.myconnectwise.net/service/tickets", NA),
            ("https://na.myconnectwise.net/?a=b", NA),
            ("https://na.myconnectwise.net#x", NA),
            // Pages of the web client.
            ("https://na.myconnectwise.net/v2025_1/ConnectWise.aspx", NA),
            ("https://na.myconnectwise.net/v2025_1/connectwise.aspx?fullscreen=false&locale=en_US#XQAACAC6AAA", NA),
            (
                "https://na.myconnectwise.net/v4_6_release/services/system_io/Service/fv_sr100_request.rails?service_recid=7",
                NA,
            ),
            ("https://na.myconnectwise.net/login", NA),
            ("https://na.myconnectwise.net/login/companyinfo/acme", NA),
            ("https://psa.example.org/ConnectWise.aspx", OWN),
            ("https://psa.example.org/v4_6_release/ConnectWise.aspx?a#b", OWN),
        ];
        for (text, expected) in table {
            let root = parse(text, "CW_BASE_URL").map(|address| address.root.to_string());
            assert_eq!(root.unwrap_or_else(|error| error.to_string()), expected, "{text}");
        }
        // What was read once is read as the same again.
        for (_, root) in table {
            assert_eq!(parse(root, "CW_BASE_URL").unwrap().root.as_str(), root);
        }
    }

    #[test]
    fn a_page_names_no_codebase() {
        let table = [
            ("https://na.myconnectwise.net", false),
            ("https://na.myconnectwise.net/v2025_1/ConnectWise.aspx", false),
            ("https://na.myconnectwise.net/login", false),
            ("https://na.myconnectwise.net/v2025_1", true),
            ("https://na.myconnectwise.net/v4_6_release/apis/3.0/service/tickets", true),
        ];
        for (text, expected) in table {
            let address = parse(text, "CW_SITE").unwrap();
            assert_eq!(
                (address.names_codebase, address.typed.as_str()),
                (expected, "https://na.myconnectwise.net/"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_server_is_the_same_whatever_way_it_is_written() {
        let table = [
            ("https://na.myconnectwise.net", "na.myconnectwise.net"),
            ("https://API-NA.myconnectwise.net:443/v2025_1/apis/3.0", "na.myconnectwise.net"),
            ("https://api-eu.myconnectwise.net", "eu.myconnectwise.net"),
            ("https://api-staging.connectwisedev.com", "staging.connectwisedev.com"),
            ("https://sandbox-na.myconnectwise.net", "sandbox-na.myconnectwise.net"),
            ("https://psa.example.org", "psa.example.org"),
            ("https://api-psa.example.org:8443", "api-psa.example.org:8443"),
            ("http://127.0.0.1:8080", "localhost"),
            ("http://[::1]:9", "localhost"),
            ("http://localhost", "localhost"),
        ];
        for (text, expected) in table {
            assert_eq!(server(&parse(text, "CW_BASE_URL").unwrap().root), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_never_shown() {
        const WHOLE: &str =
            "has a path that isn't the API's: write it as https://HOST, or as https://HOST/CODEBASE/apis/3.0";
        const URL: &str = "is not a URL: write it as https://HOST";
        const SCHEME: &str = "must start with https://";
        const OPEN: &str = "must start with https://, because http would send the credentials readable by all";
        const PAGE: &str = "is a page of the vendor and no PSA server: write the host where you log in, for example \
                            https://na.myconnectwise.net";
        const PASSWORD: &str = "holds a user name or a password: give those as CW_AUTH_USERNAME and CW_AUTH_PASSWORD";
        let table = [
            ("", "is empty: write it as https://HOST"),
            ("\"\"", "is empty: write it as https://HOST"),
            ("https://", URL),
            ("https://na.myconnectwise.net:port", URL),
            ("acme+geheim:geheim", URL),
            ("https://na myconnectwise.net", "holds a space or a line break: write it as https://HOST"),
            ("https://a.example.org https://b.example.org", "holds a space or a line break: write it as https://HOST"),
            ("ftp://na.myconnectwise.net", SCHEME),
            ("file:///etc/passwd", SCHEME),
            ("htps://na.myconnectwise.net", SCHEME),
            ("http://na.myconnectwise.net", OPEN),
            ("http://foo.localhost:8080", OPEN),
            ("http://localhost.:8080", OPEN),
            ("http://localhost.example.org", OPEN),
            ("http://0.0.0.0:8080", OPEN),
            ("http://na.myconnectwise.net/v4_6_release/apis/3.0", OPEN),
            ("localhost:8080", "has no scheme: write it as http://HOST or https://HOST"),
            ("127.0.0.1:8080", "has no scheme: write it as http://HOST or https://HOST"),
            ("na", "is only a part of the host: write all of it, for example https://na.myconnectwise.net"),
            ("https://https://na.myconnectwise.net", "has its scheme twice: write it as https://HOST"),
            ("https://na.myconnectwise.net,https://eu.myconnectwise.net", NO_HOST),
            ("https://{host}", NO_HOST),
            ("https://na.myconnectwise.net|eu", URL),
            ("$CW_URL", NOT_EXPANDED),
            ("https://${HOST}/v4_6_release/apis/3.0", NOT_EXPANDED),
            ("https://user:geheim@na.myconnectwise.net", PASSWORD),
            ("geheim@na.myconnectwise.net", PASSWORD),
            ("https://developer.connectwise.com/Products/ConnectWise_PSA", PAGE),
            ("https://www.connectwise.com", PAGE),
            ("https://connectwise.com", PAGE),
            ("https://na.myconnectwise.net/api", WHOLE),
            ("https://na.myconnectwise.net/x/v4_6_release/apis/3.0", WHOLE),
            ("https://na.myconnectwise.net/v4_6_release/apis/4.0", WHOLE),
            ("https://psa.example.org/wiki/How_to", WHOLE),
            ("https://psa.example.org/api/v1?key=geheim", WHOLE),
        ];
        for (text, expected) in table {
            let error = parse(text, "CW_BASE_URL").map(|address| address.root).unwrap_err().to_string();
            assert_eq!(error, format!("CW_BASE_URL {expected}"), "{text}");
        }
    }
}
