//! The client: what can be asked, and where the API is.

use std::{
    fmt,
    sync::{Arc, atomic::AtomicBool},
};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    Clock, CompanyInfo, Config, Download, Error, ListRequest, Response, Result, RetryPolicy, SystemClock,
    attempts::{Answer, Take},
    body,
    body::Pace,
    config,
    discovery::{self, Root},
    limiter::Limiter,
    network::Network,
    reason::Reason,
    redact::Redactor,
    request::{Method, Request, RequestBuilder},
    stats::{ClientStats, Counters},
    transport::{OwnTransport, Transport},
};

/// A client of one server. Clones are cheap and share connections, counters and the limiter.
///
/// Clients that are built separately share nothing: make one for a server and its credentials, and give clones of it to
/// all that ask, or each keeps to the limits for itself alone ([`Client::with_own_stats`] counts apart).
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Shared>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) retry: RetryPolicy,
}

pub(crate) struct Shared {
    pub(crate) transport: Arc<dyn Transport>,
    /// What progenitor writes requests of operations with.
    pub(crate) writer: reqwest::Client,
    /// The headers of every request to the API.
    pub(crate) headers: HeaderMap,
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limiter: Limiter,
    pub(crate) redactor: Arc<Redactor>,
    /// Whether there ever was a connection to the server.
    pub(crate) reached: AtomicBool,
    root: Root,
}

impl Client {
    /// A client with these settings. Nothing is sent yet.
    ///
    /// # Errors
    /// When TLS can't be set up: neither `ring` nor `aws-lc` is switched on, this machine names no authorities, or a certificate of
    /// [`Config::with_root_certificates`] is none.
    pub fn new(config: Config) -> Result<Self> {
        Self::with_clock(config, Arc::new(SystemClock))
    }

    /// A client whose pauses, dates and random numbers come from `clock`.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_clock(config: Config, clock: Arc<dyn Clock>) -> Result<Self> {
        let transport = match &config.transport {
            Some(OwnTransport(transport)) => transport.clone(),
            None => Arc::new(Network::new(&config)?),
        };
        let limiter = Limiter::new(config.concurrency, config.rate);
        let retry = config.retry;
        let inner = Shared {
            transport,
            writer: Network::writer()?,
            headers: headers(&config)?,
            root: Root::new(&config),
            clock,
            limiter,
            redactor: Arc::new(config.credentials.redactor()),
            reached: AtomicBool::new(false),
            config,
        };
        Ok(Self { inner: Arc::new(inner), counters: Arc::default(), retry })
    }

    /// The same client with counters of its own, which start at zero: for the numbers of one entity or one run.
    #[must_use]
    pub fn with_own_stats(&self) -> Self {
        Self { counters: Arc::default(), ..self.clone() }
    }

    /// The same client with another retry policy, for requests that deserve more or less patience than others.
    #[must_use]
    pub fn with_retry(&self, retry: RetryPolicy) -> Self {
        Self { retry, ..self.clone() }
    }

    /// How its requests are repeated.
    #[must_use]
    pub fn retry(&self) -> RetryPolicy {
        self.retry
    }

    /// A text without the credentials: what shows parts of a server's answers passes them through here, since servers may echo
    /// what they were sent.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.inner.redactor.clean(text)
    }

    /// What this client and its clones have done so far.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        self.counters.snapshot()
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Root of the API, to which requests go now. It changes when the server says that it runs another codebase.
    #[must_use]
    pub fn base_url(&self) -> String {
        self.inner.root.url().as_str().to_owned()
    }

    /// An untyped request to a path below the API root: the way out for what the crate has no types for.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(self.clone(), Request::new(method, path))
    }

    /// The untyped records of a list route, page by page.
    pub fn list(&self, path: &str) -> ListRequest {
        ListRequest::new(self.clone(), path)
    }

    /// How many records of the list route `path` meet the conditions.
    ///
    /// # Errors
    /// As any request; not every list route can count. [`ListRequest::count`] counts with what else a list takes.
    pub async fn count(&self, path: &str, conditions: Option<&str>) -> Result<u64> {
        self.list(path).conditions(conditions.unwrap_or_default()).count().await
    }

    /// The body of a GET as it came.
    ///
    /// # Errors
    /// As any request.
    pub async fn get_raw(&self, path: &str) -> Result<Bytes> {
        Ok(self.execute(&Request::new(Method::Get, path)).await?.into_body())
    }

    /// What the server says about the company of the credentials: its codebase above all. No credentials are sent.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when it knows no such company, else as any request.
    pub async fn company_info(&self) -> Result<CompanyInfo> {
        let root = &self.inner.root;
        let Some(url) = &root.ask else { return Err(Error::new(Reason::Codebase { codebase: String::new() })) };
        let mut request = Request::new(Method::Get, url.path());
        request.largest = body::LARGEST_COMPANY_INFO;
        discovery::read(&self.send(&request, url, Take::OPEN).await?.response, &root.company)
    }

    /// Sends a request, as often as the retry policy allows, until there is an answer with a status of success.
    pub(crate) async fn execute(&self, request: &Request) -> Result<Response> {
        Ok(self.at_root(request, Take::WHOLE).await?.response)
    }

    /// The same, but for the body, which comes piece by piece.
    pub(crate) async fn download(&self, request: &Request) -> Result<Download> {
        let answer = self.at_root(request, Take::STREAM).await?;
        let pace = Pace::new(self.inner.config.read_timeout);
        Ok(Download::new(answer, pace, self.inner.clock.clone()))
    }

    async fn at_root(&self, request: &Request, take: Take) -> Result<Answer> {
        let root = self.root().await?;
        let error = match self.send(request, &request.url(&root)?, take).await {
            // A write isn't sent twice, wherever it went.
            Err(error) if (error.is_not_found() || error.is_unroutable()) && request.may_repeat_as().is_read() => error,
            result => return result,
        };
        match self.moved(&root).await {
            Some(root) => self.send(request, &request.url(&root)?, take).await,
            None => Err(error),
        }
    }

    /// The root of the API; a server that nobody has asked yet is asked first.
    async fn root(&self) -> Result<Arc<Url>> {
        let root = &self.inner.root;
        if root.is_unknown() {
            let _one = root.asking.lock().await;
            if root.is_unknown() {
                return root.learn(&self.company_info().await?, &*self.inner.clock);
            }
        }
        Ok(root.url())
    }

    /// The root of the API if it is no longer `old`, at which something wasn't found.
    async fn moved(&self, old: &Url) -> Option<Arc<Url>> {
        let Shared { root, clock, .. } = &*self.inner;
        let _one = root.asking.lock().await;
        if root.may_be_stale(old, &**clock) {
            root.asked(&**clock);
            match self.company_info().await.and_then(|info| root.learn(&info, &**clock)) {
                Ok(new) if *new != *old => {
                    tracing::warn!(old = old.path(), new = new.path(), "the codebase has changed")
                }
                Ok(_) => {}
                // The answer that led here says more than this.
                Err(error) => tracing::warn!("{error}"),
            }
        }
        Some(root.url()).filter(|new| **new != *old)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}

/// The headers of every request to the API.
fn headers(config: &Config) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, accept(&config.version)?);
    let mut authorization = secret_value("authorization", &config.credentials.authorization())?;
    authorization.set_sensitive(true);
    headers.insert(AUTHORIZATION, authorization);
    let mut client_id = value("clientId", config.credentials.client_id())?;
    client_id.set_sensitive(true);
    headers.insert(HeaderName::from_static("clientid"), client_id);
    Ok(headers)
}

/// Asks for a version of the API.
pub(crate) fn accept(version: &str) -> Result<HeaderValue> {
    let version = config::check_version(version)?;
    value("accept", &format!("application/vnd.connectwise.com+json; version={version}"))
}

pub(crate) fn value(name: &str, text: &str) -> Result<HeaderValue> {
    HeaderValue::from_str(text).map_err(|error| bad_header(name).with_source(error))
}

fn secret_value(name: &str, text: &SecretString) -> Result<HeaderValue> {
    value(name, text.expose_secret())
}

pub(crate) fn bad_header(name: &str) -> Error {
    Error::new(Reason::Header { name: name.to_owned() })
}
