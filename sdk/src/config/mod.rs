//! Settings of a client: where the server is, who asks, and how patiently.

mod arguments;
mod clean;
mod keys;
mod parts;
mod variables;

use std::{fmt, sync::Arc, time::Duration};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use url::Url;

use crate::transport::{OwnTransport, Transport};
use crate::{Credentials, Error, Observer, Result, RetryPolicy, base_url, reason::Reason, resource::API_VERSION};

pub(crate) use arguments::credentials;
pub(crate) use clean::clean;
pub use parts::ConfigParts;

/// Largest page that the API gives.
pub const MAX_PAGE_SIZE: u32 = 1_000;

/// Records that no list of a tenant has: 20 years of 600 people who enter ten times a day are 30 million.
const MOST_RECORDS: u64 = 50_000_000;

/// Requests that are under way at once.
const DEFAULT_CONCURRENCY: usize = 4;

/// Enough for two lost packets and a slow handshake, so that a wrong address is told within five seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(4);

/// Requests in a second: a little below the 1,000 in a minute from which the vendor limits.
pub(crate) const DEFAULT_RATE: f64 = 16.0;

/// Everything a [`Client`](crate::Client) is made from.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) base_url: Url,
    /// Where to ask which codebase the server runs, if that isn't known yet.
    pub(crate) site: Option<Url>,
    pub(crate) credentials: Credentials,
    pub(crate) version: String,
    /// Path -> version of the API for it and everything below it.
    versions: Vec<(String, String)>,
    pub(crate) page_size: u32,
    pub(crate) most_records: u64,
    pub(crate) connect_timeout: Duration,
    pub(crate) read_timeout: Duration,
    pub(crate) retry: RetryPolicy,
    pub(crate) concurrency: usize,
    /// Requests in a second.
    pub(crate) rate: Option<f64>,
    pub(crate) certificates: Vec<CertificateDer<'static>>,
    pub(crate) accepts_invalid_certificates: bool,
    pub(crate) proxy: Option<ProxyUrl>,
    pub(crate) user_agent: String,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) transport: Option<OwnTransport>,
}

impl Config {
    /// Settings for the server at `base_url`: the API's root or just its host (the web client's host is mapped to the
    /// API's). Only https, except on this machine.
    ///
    /// # Errors
    /// When the URL can't be used: a sentence that names `base_url`.
    pub fn new(base_url: &str, credentials: Credentials) -> Result<Self> {
        Ok(Self::with_defaults(base_url::parse(base_url, "base_url")?.root, credentials))
    }

    fn with_defaults(base_url: Url, credentials: Credentials) -> Self {
        Self {
            // There is nobody to be considerate of on this machine.
            rate: (!base_url::is_loopback(&base_url)).then_some(DEFAULT_RATE),
            base_url,
            site: None,
            credentials,
            version: API_VERSION.to_owned(),
            versions: Vec::new(),
            page_size: MAX_PAGE_SIZE,
            most_records: MOST_RECORDS,
            connect_timeout: CONNECT_TIMEOUT,
            read_timeout: Duration::from_secs(60),
            retry: RetryPolicy::default(),
            concurrency: DEFAULT_CONCURRENCY,
            certificates: Vec::new(),
            accepts_invalid_certificates: false,
            proxy: None,
            user_agent: concat!("connectwise-sdk/", env!("CARGO_PKG_VERSION")).to_owned(),
            observer: None,
            transport: None,
        }
    }

    /// Root of the API as configured, without trailing slash. Where a client really sends its requests is
    /// [`Client::base_url`](crate::Client::base_url).
    #[must_use]
    pub fn base_url(&self) -> &str {
        self.base_url.as_str()
    }

    /// The company id of the login page.
    #[must_use]
    pub fn company(&self) -> &str {
        self.credentials.company()
    }

    /// The server, the same whatever way its address is written: `na.myconnectwise.net` for that host and for
    /// `api-na.myconnectwise.net`, `localhost` for this machine whatever the port, else the host with its port unless that is
    /// the usual one.
    #[must_use]
    pub fn server(&self) -> String {
        base_url::server(&self.base_url)
    }

    /// Version of the API that is asked for.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Most requests under way at once, at least 1.
    #[must_use]
    pub fn concurrency(&self) -> usize {
        self.concurrency.max(1)
    }

    /// Asks for another version of the API than [`API_VERSION`], for example `2025.1`.
    ///
    /// # Errors
    /// When it isn't made of digits and dots.
    pub fn with_version(mut self, version: &str) -> Result<Self> {
        check_version(version)?.clone_into(&mut self.version);
        Ok(self)
    }

    /// Asks for another version of the API at this path and everything below it: some routes only know some versions. The
    /// longest path that fits counts, and a request that names a version itself overrides them all.
    ///
    /// ```
    /// # fn example(config: connectwise_sdk::Config) -> connectwise_sdk::Result<()> {
    /// let config = config.with_version_for("/company/communicationTypes", "2020.4")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the version isn't made of digits and dots.
    pub fn with_version_for(mut self, path: &str, version: &str) -> Result<Self> {
        let path = path.trim_matches('/').to_ascii_lowercase();
        let version = check_version(version)?.to_owned();
        self.versions.retain(|(known, _)| *known != path);
        self.versions.push((path, version));
        self.versions.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Ok(self)
    }

    /// The version for a path below the API root, if it has one of its own.
    pub(crate) fn version_for(&self, path: &str) -> Option<&str> {
        let path = path.trim_matches('/').to_ascii_lowercase();
        let fits = |root: &str| {
            path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) || root.is_empty()
        };
        self.versions.iter().find(|(root, _)| fits(root)).map(|(_, version)| version.as_str())
    }

    /// Records in a page, 1 to 1000 (default 1000). A listing can ask for another size.
    #[must_use]
    pub fn with_page_size(mut self, size: u32) -> Self {
        self.page_size = size;
        self
    }

    /// Records after which a list is taken to have no end, whatever its server counts (default 50 million).
    #[must_use]
    pub fn with_most_records(mut self, records: u64) -> Self {
        self.most_records = records;
        self
    }

    /// Longest time to resolve the server's name and connect (default 4 s).
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
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
            .collect::<std::result::Result<_, _>>()
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

    /// Sends everything through this proxy (`http://`, or `https://` to the proxy itself), in place of the one that `HTTPS_PROXY`
    /// names. A user and password before `@` are the proxy's.
    ///
    /// # Errors
    /// When the URL can't be used.
    pub fn with_proxy(mut self, url: &str) -> Result<Self> {
        let invalid = || invalid("the proxy", "must be a URL such as http://proxy.example.com:8080");
        let url = Url::parse(url).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(invalid());
        }
        self.proxy = Some(ProxyUrl(url));
        Ok(self)
    }

    /// What the client calls itself to the server, `connectwise-sdk/` and the version by default.
    ///
    /// # Errors
    /// When a header can't hold it.
    pub fn with_user_agent(mut self, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        if name.is_empty() || !name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return Err(invalid("the user agent", "must be of ASCII letters, digits, signs and blanks"));
        }
        self.user_agent = name;
        Ok(self)
    }

    /// Has requests carried by something else than the network: a function in tests, or an HTTP client of the program's own
    /// ([`transport`](crate::transport) says how). What this says of connections, time-outs of the network, certificates and proxies is
    /// up to it then; repetitions, limits, discovery, observers and counters stay as they are.
    #[must_use]
    pub fn with_transport(mut self, transport: impl Transport) -> Self {
        self.transport = Some(OwnTransport(Arc::new(transport)));
        self
    }

    /// Who hears of every attempt.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }
}

/// A proxy, with a password perhaps.
#[derive(Clone)]
pub(crate) struct ProxyUrl(pub(crate) Url);

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }
}

pub(crate) fn check_version(version: &str) -> Result<&str> {
    if version.is_empty() || !version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(invalid("the API version", "must look like 2025.8"));
    }
    Ok(version)
}

fn invalid(variable: &'static str, problem: &'static str) -> Error {
    Error::new(Reason::Invalid { variable, problem })
}
