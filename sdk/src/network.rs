//! The transport of clients that bring none of their own: HTTP over the network.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;

use crate::reason::Reason;
use crate::transport::{Carried, Transport, TransportBody, TransportError};
use crate::{Config, Error, Result, base_url, tls};

/// How often an idle connection is checked, so that one which a firewall dropped isn't used.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// Connections to a server.
pub(crate) struct Network(reqwest::Client);

impl Network {
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::settings(config)?)
            // Also for what is said to a proxy.
            .user_agent(&config.user_agent)
            // A redirect would carry the credentials to wherever the answer says.
            .redirect(reqwest::redirect::Policy::none())
            // Every repetition is counted and decided by the client.
            .retry(reqwest::retry::never())
            .connect_timeout(config.connect_timeout)
            .read_timeout(config.read_timeout)
            .tcp_keepalive(KEEP_ALIVE)
            .pool_idle_timeout(IDLE)
            .gzip(true)
            // Plain http is allowed there, so nobody else may say where it is.
            .resolve_to_addrs(base_url::LOCAL, &[(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]);
        if base_url::is_loopback(&config.base_url) {
            builder = builder.no_proxy();
        }
        if let Some(proxy) = &config.proxy {
            builder = builder.proxy(reqwest::Proxy::all(proxy.0.clone()).map_err(unusable)?);
        }
        Ok(Self(builder.build().map_err(unusable)?))
    }

    /// What progenitor writes the requests of operations with. Nothing is sent by it.
    pub(crate) fn writer() -> Result<reqwest::Client> {
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls::settings_for_nobody()?);
        builder.no_proxy().build().map_err(unusable)
    }
}

fn unusable(error: reqwest::Error) -> Error {
    Error::new(Reason::Transport).with_source(error.without_url())
}

impl Transport for Network {
    fn carry(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Carried> {
        let client = self.0.clone();
        Box::pin(async move {
            let request = reqwest::Request::try_from(request).map_err(failed)?;
            let mut response = client.execute(request).await.map_err(failed)?;
            let status = response.status();
            let headers = std::mem::take(response.headers_mut());
            let mut answer = http::Response::new(TransportBody::from_stream(response.bytes_stream().map_err(failed)));
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        })
    }
}

/// The address holds the conditions, and the client's error names the request already.
fn failed(error: reqwest::Error) -> TransportError {
    let (not_sent, timed_out) = (error.is_connect(), error.is_timeout());
    let error = error.without_url();
    match (not_sent, timed_out) {
        (true, _) => TransportError::not_sent(error),
        (false, true) => TransportError::timed_out(error),
        (false, false) => TransportError::interrupted(error),
    }
}
