//! What the generated [`operations`](crate::operations) are made of: progenitor writes a call for each, and here it is handed to
//! the client, which sends it as it sends any request.

#![allow(dead_code, reason = "not every selection of modules has operations of every kind")]

use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use serde::de::DeserializeOwned;

use crate::reason::Reason;
use crate::request::{Body, Method, Request};
use crate::{Client, Download, Error, Multipart, Response, Result, multipart};

/// Where calls are addressed to before the client says where the API is.
const NOWHERE: &str = "http://api.invalid";
/// Stands for a call that has failed, whatever it failed on: progenitor's code only looks whether it is a success.
const FAILED: http::StatusCode = http::StatusCode::INTERNAL_SERVER_ERROR;

/// Who sends a call: the client, with what isn't part of the interface document.
#[derive(Clone)]
pub(crate) struct Sender<'a> {
    pub(crate) baseurl: &'static str,
    pub(crate) client: &'a reqwest::Client,
    sdk: &'a Client,
    form: bool,
    download: bool,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) version: Option<String>,
}

impl<'a> Sender<'a> {
    pub(crate) fn of(sdk: &'a Client) -> Self {
        let client = &sdk.inner.writer;
        Self { baseurl: NOWHERE, client, sdk, form: false, download: false, query: Vec::new(), version: None }
    }

    /// For a call whose body is a form.
    pub(crate) fn of_form(sdk: &'a Client) -> Self {
        Self { form: true, ..Self::of(sdk) }
    }

    /// For a call whose answer is handed out piece by piece.
    pub(crate) fn of_download(sdk: &'a Client) -> Self {
        Self { download: true, ..Self::of(sdk) }
    }

    /// The request that progenitor built, as the client takes it. Its headers are the client's business.
    fn request(&self, built: &reqwest::Request) -> Result<Request> {
        let method = match built.method().as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            _ => Method::Delete,
        };
        let path = percent_decode_str(built.url().path()).decode_utf8_lossy();
        let mut request = Request::new(method, &path);
        request.query =
            built.url().query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        request.query.extend(self.query.iter().cloned());
        request.version.clone_from(&self.version);
        if let Some(body) = built.body() {
            let bytes = body.as_bytes().ok_or_else(|| Error::new(Reason::Serialize).with_request(request.facts(1)))?;
            let content_type = match self.form {
                true => multipart::content_type(bytes),
                false => "application/json".to_owned(),
            };
            request.body = Some(Body { content_type, bytes: bytes.to_vec().into() });
        }
        Ok(request)
    }

    async fn outcome(&self, built: &reqwest::Request) -> Result<CallOutcome> {
        let request = self.request(built)?;
        Ok(match self.download {
            true => CallOutcome::Stream(self.sdk.download(&request).await?),
            false => CallOutcome::Whole(self.sdk.execute(&request).await?),
        })
    }
}

impl ClientInfo<Client> for Sender<'_> {
    fn api_version() -> &'static str {
        crate::API_VERSION
    }

    fn baseurl(&self) -> &str {
        self.baseurl
    }

    fn client(&self) -> &reqwest::Client {
        self.client
    }

    fn inner(&self) -> &Client {
        self.sdk
    }
}

/// The whole sending is the client's: where the API is, its headers, the limiter, repetitions, and what an answer means.
impl ClientHooks<Client> for Sender<'_> {
    async fn exec(&self, request: reqwest::Request, _: &OperationInfo) -> reqwest::Result<reqwest::Response> {
        Ok(self.outcome(&request).await.unwrap_or_else(CallOutcome::Failed).into_response())
    }
}

/// What became of a call. It travels through progenitor's code in the extensions of an answer that is nothing else: that code
/// knows neither the client's errors nor its answers.
enum CallOutcome {
    Whole(Response),
    Stream(Download),
    Failed(Error),
}

/// Extensions have to be cloned.
#[derive(Clone)]
struct Slot(Arc<Mutex<Option<CallOutcome>>>);

impl CallOutcome {
    fn into_response(self) -> reqwest::Response {
        let status = match &self {
            Self::Whole(answer) => http::StatusCode::from_u16(answer.status()),
            Self::Stream(answer) => http::StatusCode::from_u16(answer.status()),
            Self::Failed(_) => Ok(FAILED),
        };
        let mut response = http::Response::new(reqwest::Body::default());
        *response.status_mut() = status.unwrap_or(http::StatusCode::OK);
        response.extensions_mut().insert(Slot(Arc::new(Mutex::new(Some(self)))));
        response.into()
    }

    fn of(response: &reqwest::Response) -> Self {
        let slot = response.extensions().get::<Slot>();
        let outcome = slot.and_then(|slot| slot.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        outcome.unwrap_or_else(|| Self::Failed(Error::new(Reason::Transport)))
    }

    fn into_error(self) -> Error {
        match self {
            Self::Failed(error) => error,
            Self::Whole(_) | Self::Stream(_) => Error::new(Reason::Transport),
        }
    }
}

/// Stands for progenitor's type of the same name: an answer, or why there is none.
pub(crate) struct ResponseValue<T>(Result<T>);

/// What progenitor calls the answer to a download.
pub(crate) type ByteStream = Download;

type CallResult<T> = std::result::Result<ResponseValue<T>, progenitor_client::Error>;

/// Answers are read as the client reads them.
impl<T: DeserializeOwned> ResponseValue<T> {
    pub(crate) async fn from_response(response: reqwest::Response) -> CallResult<T> {
        Ok(Self(match CallOutcome::of(&response) {
            CallOutcome::Whole(answer) => answer.json(),
            other => Err(other.into_error()),
        }))
    }
}

impl ResponseValue<()> {
    pub(crate) fn empty(_: reqwest::Response) -> Self {
        Self(Ok(()))
    }
}

impl ResponseValue<ByteStream> {
    pub(crate) fn stream(response: reqwest::Response) -> Self {
        Self(match CallOutcome::of(&response) {
            CallOutcome::Stream(download) => Ok(download),
            other => Err(other.into_error()),
        })
    }
}

/// Writes a value into the path of a call. progenitor's own function leaves a backslash, which addresses take for a slash.
pub(crate) fn encode_path(value: &str) -> String {
    utf8_percent_encode(value, NON_ALPHANUMERIC).to_string()
}

/// What a call ends in. progenitor's own errors never leave it: they would show parts of answers.
pub(crate) fn finish<T>(asked: CallResult<T>, method: Method, path: &str) -> Result<T> {
    use progenitor_client::Error as Given;

    let error = match asked {
        Ok(ResponseValue(answer)) => return answer,
        Err(Given::UnexpectedResponse(response)) => return Err(CallOutcome::of(&response).into_error()),
        Err(Given::InvalidRequest(problem)) => Error::new(Reason::Argument { problem: argument(&problem) }),
        Err(Given::CommunicationError(source)) => Error::new(Reason::Serialize).with_source(source.without_url()),
        Err(_) => Error::new(Reason::Transport),
    };
    Err(error.with_request(Request::new(method, path).facts(1)))
}

/// progenitor's words for a parameter that it can't take, in ours.
fn argument(problem: &str) -> String {
    if let Some(name) = problem.strip_suffix(" was not initialized") {
        return format!("lacks `{name}`: call `.{name}(..)` before it is sent");
    }
    let name = problem.strip_suffix(" failed").and_then(|text| text.rsplit_once(" for ")).map(|(_, name)| name);
    let rule = if problem.contains("Segment") {
        "it is one part of the path, which can't be empty, `.` or `..`, nor hold `/`, `?`, `#`, braces or control characters"
    } else {
        "it is outside what the API takes"
    };
    format!("can't take the value given to `{}`: {rule}", name.unwrap_or(problem))
}

/// A form is a body as progenitor takes one.
impl TryFrom<Multipart> for reqwest::Body {
    type Error = Error;

    fn try_from(form: Multipart) -> Result<Self> {
        Ok(form.body()?.bytes.into())
    }
}

/// What each generated operation can do beside taking its parameters.
#[allow(unused_macros, reason = "not every selection of modules has operations")]
macro_rules! operation {
    ($name:ident $client:ident $method:ident $path:literal $answer:ty) => {
        impl $name<'_> {
            /// Adds a parameter of the query that the interface document doesn't list; it is percent-encoded here.
            pub fn with_query(mut self, name: &str, value: impl Into<String>) -> Self {
                self.$client.query.push((name.to_owned(), value.into()));
                self
            }

            /// Asks for another version of the API than the client does, for example `2020.4`: some routes only know some.
            pub fn with_version(mut self, version: impl Into<String>) -> Self {
                self.$client.version = Some(version.into());
                self
            }

            /// Sends it, and repeats it as the retry policy allows.
            ///
            /// # Errors
            /// When a parameter is missing or can't be sent, when there is no answer or one with an error status, or when the
            /// answer isn't of the declared shape.
            pub async fn send(self) -> crate::Result<$answer> {
                crate::sender::finish(self.ask().await, crate::Method::$method, $path)
            }
        }

        impl std::fmt::Debug for $name<'_> {
            /// Parameters and the body aren't shown: they may hold secrets.
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}
#[allow(unused_imports, reason = "not every selection of modules has operations")]
pub(crate) use operation;
