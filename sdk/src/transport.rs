//! What carries requests to a server and brings back its answers: the network, or what a program puts in its place.
//!
//! A [`Client`](crate::Client) finds the server, writes requests, lets them through, repeats them, reads answers, counts and tells
//! observers. The one thing below that is a [`Transport`]. In tests it is a function that answers by itself; elsewhere it may be an HTTP
//! client of the program's own, with its own connections, proxies and certificates.
//!
//! ```
//! use connectwise_sdk::transport::TransportBody;
//! use connectwise_sdk::{Client, Config, Credentials};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let credentials = Credentials::new("acme+public", "private", "11111111-2222-3333-4444-555555555555")?;
//! let config = Config::new("https://na.myconnectwise.net", credentials)?.with_transport(
//!     |request: http::Request<bytes::Bytes>| async move {
//!         let found = request.uri().path().ends_with("/time/entries/count");
//!         let (status, text) = if found { (200, r#"{"count":3}"#) } else { (404, r#"{"message":"What is that?"}"#) };
//!         let mut answer = http::Response::new(TransportBody::from(text));
//!         *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
//!         Ok(answer)
//!     },
//! );
//! assert_eq!(Client::new(config)?.count("/time/entries", None).await?, 3);
//! # Ok(()) })
//! # }
//! ```

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, Stream, StreamExt as _};

/// Carries one request at a time, once: repeating, limiting and reading are the client's.
///
/// Functions from a request to a future of its answer are transports. An answer of any status is an answer, and isn't followed where it
/// leads elsewhere; a body is decompressed. Requests have whole addresses and all headers, the credentials among them, which a transport
/// must not show.
pub trait Transport: Send + Sync + 'static {
    /// Sends a request and waits until its answer begins.
    fn carry(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Carried>;
}

/// The beginning of an answer, or why there is none.
pub type Carried = Result<http::Response<TransportBody>, TransportError>;

impl<F, A> Transport for F
where
    F: Fn(http::Request<Bytes>) -> A + Send + Sync + 'static,
    A: Future<Output = Carried> + Send + 'static,
{
    fn carry(&self, request: http::Request<Bytes>) -> BoxFuture<'static, Carried> {
        Box::pin(self(request))
    }
}

/// The body of an answer.
pub struct TransportBody(BoxStream<'static, Result<Bytes, TransportError>>);

impl TransportBody {
    /// A body that comes piece by piece, decompressed. It is whole if it ends without an error.
    pub fn from_stream(pieces: impl Stream<Item = Result<Bytes, TransportError>> + Send + 'static) -> Self {
        Self(pieces.boxed())
    }

    /// The next piece, `None` at the end.
    pub(crate) async fn piece(&mut self) -> Result<Option<Bytes>, TransportError> {
        self.0.next().await.transpose()
    }
}

/// A body that is there as a whole.
impl<B: Into<Bytes>> From<B> for TransportBody {
    fn from(whole: B) -> Self {
        let whole = Some(whole.into()).filter(|whole| !whole.is_empty());
        Self(stream::iter(whole.map(Ok)).boxed())
    }
}

impl fmt::Debug for TransportBody {
    /// What the server wrote isn't shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportBody").finish_non_exhaustive()
    }
}

/// Why there is no answer, or no more of it. What the client does next hangs on whether the server can have seen the request.
pub struct TransportError {
    pub(crate) failure: TransportFailure,
    pub(crate) source: Box<dyn StdError + Send + Sync>,
}

/// What a [`TransportError`] says about the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransportFailure {
    NotSent,
    TimedOut,
    Interrupted,
}

impl TransportError {
    /// There was no connection: nothing of the request has left this machine, so that it may be sent again, a write as well.
    pub fn not_sent(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { failure: TransportFailure::NotSent, source: source.into() }
    }

    /// Nothing came for too long. A write may have been carried out.
    pub fn timed_out(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { failure: TransportFailure::TimedOut, source: source.into() }
    }

    /// The connection broke after the request was on its way. A write may have been carried out.
    pub fn interrupted(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { failure: TransportFailure::Interrupted, source: source.into() }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl fmt::Debug for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TransportError").field(&self.failure).field(&self.source).finish()
    }
}

impl StdError for TransportError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.source()
    }
}

/// The transport of a configuration.
#[derive(Clone)]
pub(crate) struct OwnTransport(pub(crate) Arc<dyn Transport>);

impl fmt::Debug for OwnTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transport")
    }
}
