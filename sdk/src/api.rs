//! One generic interface to every resource; which verbs it has is decided by the resource's marker traits.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::{
    Client, ItemList, ListRequest, Patch, Result,
    request::{Method, Request},
    resource::{self, Count, Create, Delete, Get, List, Placed, Replace, Resource, Under, fill},
};

/// The records of one resource. Verbs that the API lacks don't compile, nor do verbs before all parents are named.
///
/// ```
/// # #[cfg(feature = "finance")]
/// # async fn example(client: connectwise_sdk::Client) -> connectwise_sdk::Result<()> {
/// use connectwise_sdk::models::Addition;
///
/// let additions = client.resource::<Addition>().under(250);
/// let addition = additions.get(7).await?;
/// # Ok(())
/// # }
/// ```
pub struct Api<R, P = Placed> {
    client: Client,
    /// Parents, from the outside in.
    parents: Vec<i64>,
    query: Vec<(String, String)>,
    /// Version of the API instead of the client's.
    version: Option<String>,
    resource: PhantomData<fn() -> (R, P)>,
}

// A derive would ask for more of the resource, which is but a name.
impl<R, P> Clone for Api<R, P> {
    fn clone(&self) -> Self {
        let Self { client, parents, query, version, resource } = self;
        let (client, parents, query) = (client.clone(), parents.clone(), query.clone());
        Self { client, parents, query, version: version.clone(), resource: *resource }
    }
}

impl<R, P> fmt::Debug for Api<R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("client", &self.client).field("parents", &self.parents).finish_non_exhaustive()
    }
}

impl Client {
    /// The records of a resource.
    #[must_use]
    pub fn resource<R: Resource>(&self) -> Api<R, R::Place> {
        Api { client: self.clone(), parents: Vec::new(), query: Vec::new(), version: None, resource: PhantomData }
    }
}

impl<R: Resource, P> Api<R, Under<P>> {
    /// The records under this parent. With two parents, the outer one comes first.
    #[must_use]
    pub fn under(mut self, parent: impl Into<i64>) -> Api<R, P> {
        self.parents.push(parent.into());
        let Self { client, parents, query, version, .. } = self;
        Api { client, parents, query, version, resource: PhantomData }
    }
}

impl<R, P> Api<R, P> {
    /// Adds a query parameter to requests made with this handle, lists and counts included: some operations take one of their
    /// own, as the deletion of a contact takes `transferContactId`, and the list of documents `recordType` and `recordId`.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Asks for another version of the API than the client does, for example `2020.4`: some routes only know some. For
    /// all requests to a route there is [`Config::with_version_for`](crate::Config::with_version_for).
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = Some(version.into());
        self
    }
}

impl<R: Resource> Api<R> {
    fn fill(&self, template: &str, id: Option<i64>) -> String {
        fill(template, &self.parents, id)
    }

    fn one(&self, method: Method, template: Option<&str>, id: impl Into<i64>) -> Request {
        let id = id.into();
        let path = match template {
            Some(template) => self.fill(template, Some(id)),
            None => format!("{}/{id}", self.fill(R::PATH, None).trim_end_matches('/')),
        };
        self.request(method, &path)
    }

    fn request(&self, method: Method, path: &str) -> Request {
        let mut request = Request::new(method, path);
        request.query.clone_from(&self.query);
        request.version.clone_from(&self.version);
        request
    }

    fn collection(&self) -> ListRequest {
        let list = self.client.list(&self.fill(R::PATH, None));
        let list = self.query.iter().fold(list, |list, (name, value)| list.parameter(name, value));
        match &self.version {
            Some(version) => list.version(version),
            None => list,
        }
    }

    async fn send<T: DeserializeOwned>(&self, request: &Request) -> Result<T> {
        self.client.execute(request).await?.json()
    }
}

impl<R: List> Api<R> {
    /// Many records.
    pub fn list(&self) -> ItemList<R> {
        ItemList::new(self.collection(), self.parents.clone())
    }
}

impl<R: Count> Api<R> {
    /// How many records there are. Those that meet conditions are counted by the list.
    ///
    /// # Errors
    /// As any request.
    pub async fn count(&self) -> Result<u64> {
        self.collection().count_at(&self.fill(R::COUNT_PATH, None)).await
    }
}

impl<R: Get> Api<R> {
    /// One record.
    ///
    /// # Errors
    /// As any request; [`is_not_found`](crate::Error::is_not_found) if there is none with this id.
    pub async fn get(&self, id: impl Into<i64>) -> Result<R::Record> {
        self.send(&self.one(Method::Get, R::GET_PATH, id)).await
    }

    /// One record, `None` if there is none with this id.
    ///
    /// # Errors
    /// As any request.
    pub async fn get_opt(&self, id: impl Into<i64>) -> Result<Option<R::Record>> {
        match self.get(id).await {
            Err(error) if error.is_not_found() => Ok(None),
            other => other.map(Some),
        }
    }
}

impl<R: Create> Api<R> {
    /// Creates a record and returns it as the server stored it.
    ///
    /// # Errors
    /// As any request. After a time-out the record may exist: a create is never repeated by itself.
    pub async fn create(&self, record: &R::Record) -> Result<R::Record> {
        let path = self.fill(R::CREATE_PATH.unwrap_or(R::PATH), None);
        self.send(&self.request(Method::Post, &path).json(record)?).await
    }
}

impl<R: Replace> Api<R> {
    /// Replaces a whole record and returns it as the server stored it.
    ///
    /// # Errors
    /// As any request.
    pub async fn replace(&self, id: impl Into<i64>, record: &R::Record) -> Result<R::Record> {
        self.send(&self.one(Method::Put, R::REPLACE_PATH, id).json(record)?).await
    }
}

impl<R: resource::Patch> Api<R> {
    /// Changes single properties of a record and returns it as the server stored it.
    ///
    /// # Errors
    /// As any request.
    pub async fn patch(&self, id: impl Into<i64>, patch: &Patch) -> Result<R::Record> {
        self.send(&self.one(Method::Patch, R::PATCH_PATH, id).json(patch)?).await
    }
}

impl<R: Delete> Api<R> {
    /// Deletes a record.
    ///
    /// # Errors
    /// As any request.
    pub async fn delete(&self, id: impl Into<i64>) -> Result<()> {
        self.client.execute(&self.one(Method::Delete, R::DELETE_PATH, id)).await?;
        Ok(())
    }
}
