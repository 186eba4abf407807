//! One generic interface to every resource; which verbs it has is decided by the resource's marker traits.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use crate::{
    Client, ItemList, Patch, Result,
    request::{Method, Request},
    resource::{self, Count, Create, Delete, Get, List, Replace, Resource},
};

/// The records of one resource. Verbs that the API lacks don't compile.
#[derive(Debug, Clone)]
pub struct Api<T> {
    client: Client,
    resource: PhantomData<fn() -> T>,
}

impl Client {
    /// The records of a resource.
    #[must_use]
    pub fn resource<T: Resource>(&self) -> Api<T> {
        Api { client: self.clone(), resource: PhantomData }
    }
}

impl<T: Resource> Api<T> {
    fn one(method: Method, id: i64) -> Request {
        Request::new(method, &format!("{}/{id}", T::PATH.trim_end_matches('/')))
    }

    async fn send<R: DeserializeOwned>(&self, request: &Request) -> Result<R> {
        self.client.execute(request).await?.json()
    }
}

impl<T: List> Api<T> {
    /// Many records.
    pub fn list(&self) -> ItemList<T> {
        ItemList::new(self.client.list(T::PATH))
    }
}

impl<T: Count> Api<T> {
    /// How many records there are. Those that meet conditions are counted by the list.
    ///
    /// # Errors
    /// As any request.
    pub async fn count(&self) -> Result<u64> {
        self.client.list(T::PATH).count_at(T::COUNT_PATH).await
    }
}

impl<T: Get> Api<T> {
    /// One record.
    ///
    /// # Errors
    /// As any request; [`is_not_found`](crate::Error::is_not_found) if there is none with this id.
    pub async fn get(&self, id: i64) -> Result<T> {
        self.send(&Self::one(Method::Get, id)).await
    }
}

impl<T: Create> Api<T> {
    /// Creates a record and returns it as the server stored it.
    ///
    /// # Errors
    /// As any request. After a time-out the record may exist: a create is never repeated by itself.
    pub async fn create(&self, record: &T) -> Result<T> {
        self.send(&Request::new(Method::Post, T::PATH).json(record)?).await
    }
}

impl<T: Replace> Api<T> {
    /// Replaces a whole record and returns it as the server stored it.
    ///
    /// # Errors
    /// As any request.
    pub async fn replace(&self, id: i64, record: &T) -> Result<T> {
        self.send(&Self::one(Method::Put, id).json(record)?).await
    }
}

impl<T: resource::Patch> Api<T> {
    /// Changes single properties of a record and returns it as the server stored it.
    ///
    /// # Errors
    /// As any request.
    pub async fn patch(&self, id: i64, patch: &Patch) -> Result<T> {
        self.send(&Self::one(Method::Patch, id).json(patch)?).await
    }
}

impl<T: Delete> Api<T> {
    /// Deletes a record.
    ///
    /// # Errors
    /// As any request.
    pub async fn delete(&self, id: i64) -> Result<()> {
        self.client.execute(&Self::one(Method::Delete, id)).await?;
        Ok(())
    }
}
