//! One operation, ready to be sent: what the generated functions of [`operations`](crate::operations) are made of.

use std::fmt;
use std::marker::PhantomData;

use ask::{Ask, Ready};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::reason::Reason;
use crate::request::{Method, Request};
use crate::{Client, Download, Error, Multipart, RequestFacts, Result};

/// An operation and what it is answered with.
#[must_use = "an operation does nothing until a client calls it"]
pub struct Operation<A> {
    id: &'static str,
    request: Request,
    /// The first thing that can't be sent; it is told when the operation is called.
    refused: Option<Error>,
    answer: PhantomData<fn() -> A>,
}

/// What an operation is answered with: [`Nothing`], [`Json`], [`Records`] or a [`Download`].
pub trait Answer: ask::Ask {}

mod ask {
    use crate::{Client, Result, request::Request};

    /// A request that can be sent.
    #[derive(Debug)]
    pub struct Ready(pub(crate) Request);

    /// Sends a request and reads its answer.
    pub trait Ask {
        type Output;

        fn ask(client: &Client, ready: Ready) -> impl Future<Output = Result<Self::Output>> + Send;
    }
}

/// Nothing but success.
#[derive(Debug, Clone, Copy)]
pub enum Nothing {}

/// A JSON value.
#[derive(Debug)]
pub struct Json<T>(PhantomData<fn() -> T>);

/// Records, whether the server sends an array of them or one by itself: what the interface document declares as the one
/// can be the other.
#[derive(Debug)]
pub struct Records<T>(PhantomData<fn() -> T>);

impl Answer for Nothing {}
impl Ask for Nothing {
    type Output = ();

    async fn ask(client: &Client, Ready(request): Ready) -> Result<()> {
        client.execute(&request).await?;
        Ok(())
    }
}

impl<T: DeserializeOwned> Answer for Json<T> {}
impl<T: DeserializeOwned> Ask for Json<T> {
    type Output = T;

    async fn ask(client: &Client, Ready(request): Ready) -> Result<T> {
        client.execute(&request).await?.json()
    }
}

impl<T: DeserializeOwned> Answer for Records<T> {}
impl<T: DeserializeOwned> Ask for Records<T> {
    type Output = Vec<T>;

    async fn ask(client: &Client, Ready(request): Ready) -> Result<Vec<T>> {
        let response = client.execute(&request).await?;
        match response.body.trim_ascii_start().first() {
            Some(b'[') => response.json(),
            _ => Ok(vec![response.json()?]),
        }
    }
}

impl Answer for Download {}
impl Ask for Download {
    type Output = Self;

    async fn ask(client: &Client, Ready(request): Ready) -> Result<Self> {
        client.download(&request).await
    }
}

impl<A> Operation<A> {
    /// An operation by its id in the interface document, with the template of its path: `/service/tickets/{id}/copy`.
    pub fn new(id: &'static str, method: Method, template: &'static str) -> Self {
        Self { id, request: Request::new(method, template), refused: None, answer: PhantomData }
    }

    /// Fills one place of the path. The value is one segment: it can't be empty, and can't hold a slash.
    pub fn argument(mut self, name: &str, value: impl fmt::Display) -> Self {
        let value = value.to_string();
        let problem = match value.as_str() {
            "" => Some("would have an empty part: give a value for each part of the path"),
            "." | ".." => Some("leaves the API root"),
            text if text.contains(['/', '?', '#', '{', '}']) => {
                Some("would have a part with `/`, `?`, `#` or braces, which the API can't tell from the path")
            }
            _ => None,
        };
        if let Some(problem) = problem {
            let path = self.request.path.replace(&format!("{{{name}}}"), &value);
            self.refused.get_or_insert(Error::new(Reason::Path { path, problem }));
        } else {
            self.request.path = self.request.path.replace(&format!("{{{name}}}"), &value);
        }
        self
    }

    /// Adds a parameter of the query; it is percent-encoded here.
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.request = self.request.query(name, value);
        self
    }

    /// Asks for another version of the API than the client does, for example `2020.4`: some routes only know some.
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.request.version = Some(version.into());
        self
    }

    /// Sets the body.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        match self.request.clone().json(body) {
            Ok(request) => self.request = request,
            Err(error) => drop(self.refused.get_or_insert(error)),
        }
        self
    }

    /// Sets the body, if there is one.
    pub fn json_opt<T: Serialize + ?Sized>(self, body: Option<&T>) -> Self {
        match body {
            Some(body) => self.json(body),
            None => self,
        }
    }

    /// Sets the body to a form. Some uploads don't declare that they take one.
    pub fn multipart(mut self, form: &Multipart) -> Self {
        match form.body() {
            Ok(body) => self.request.body = Some(body),
            Err(error) => drop(self.refused.get_or_insert(error.with_request(self.request.facts(1)))),
        }
        self
    }

    /// `operationId` in the interface document.
    #[must_use]
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// What would be sent where.
    #[must_use]
    pub fn request(&self) -> RequestFacts {
        self.request.facts(1)
    }
}

impl<A> fmt::Debug for Operation<A> {
    /// The body isn't shown: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("id", &self.id)
            .field("method", &self.request.method)
            .field("path", &self.request.path)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// Sends an operation, and repeats it as the retry policy allows.
    ///
    /// # Errors
    /// When the operation can't be sent as it is, when there is no answer or one with an error status, or when the answer
    /// is not of the declared shape.
    pub async fn call<A: Answer>(&self, operation: Operation<A>) -> Result<A::Output> {
        if let Some(error) = operation.refused {
            return Err(error);
        }
        A::ask(self, Ready(operation.request)).await
    }
}

#[cfg(test)]
mod tests {
    use super::{Nothing, Operation};
    use crate::request::Method;

    fn copy(id: &str) -> Operation<Nothing> {
        Operation::new("postCopy", Method::Post, "/system/members/{name}/tokens").argument("name", id)
    }

    #[test]
    fn an_argument_is_one_segment_of_the_path() {
        assert_eq!(copy("jdoe 1%").request.path, "/system/members/jdoe 1%/tokens");
        for (value, expected) in [
            (
                "",
                "the path \"/system/members//tokens\" would have an empty part: give a value for each part of the path",
            ),
            ("..", "the path \"/system/members/../tokens\" leaves the API root"),
            (
                "a/b",
                "the path \"/system/members/a/b/tokens\" would have a part with `/`, `?`, `#` or braces, which the API can't tell from the path",
            ),
        ] {
            assert_eq!(copy(value).refused.unwrap().to_string(), expected);
        }
    }

    #[test]
    fn debug_shows_no_body() {
        let shown = format!("{:?}", copy("jdoe").json("hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("/system/members/jdoe/tokens"), "{shown}");
    }
}
