//! Stores of local files that are watched: what a process writes to them and lists.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use deltalake::DeltaResult;
use deltalake::logstore::{ObjectStoreFactory, ObjectStoreRef, StorageConfig, object_store_factories};
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart,
};
use url::Url;

/// Sees the requests to a store, and may refuse them.
pub(crate) trait Watcher: fmt::Debug + Send + Sync + 'static {
    /// An object is about to be written.
    fn put(&self, _location: &Path, _payload: &PutPayload) -> Result<()> {
        Ok(())
    }

    /// A part of an object is about to be written.
    fn put_part(&self, _bytes: usize) -> Result<()> {
        Ok(())
    }

    /// Objects are about to be listed.
    fn list(&self, _prefix: Option<&Path>) {}
}

/// Puts every local table of this process on a store that is watched.
pub(crate) fn watch(watcher: Arc<dyn Watcher>) {
    let factories = object_store_factories();
    let file = Url::parse("file://").unwrap();
    let before = factories.get(&file).unwrap().clone();
    factories.insert(file, Arc::new(Factory { before, watcher }));
}

struct Factory {
    before: Arc<dyn ObjectStoreFactory>,
    watcher: Arc<dyn Watcher>,
}

impl ObjectStoreFactory for Factory {
    fn parse_url_opts(&self, url: &Url, config: &StorageConfig) -> DeltaResult<(ObjectStoreRef, Path)> {
        let (inner, path) = self.before.parse_url_opts(url, config)?;
        Ok((Arc::new(Store { inner, watcher: self.watcher.clone() }), path))
    }
}

#[derive(Debug)]
struct Store {
    inner: ObjectStoreRef,
    watcher: Arc<dyn Watcher>,
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

#[async_trait::async_trait]
impl ObjectStore for Store {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.watcher.put(location, &payload)?;
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(Upload { inner, watcher: self.watcher.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.watcher.list(prefix);
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.watcher.list(prefix);
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.watcher.list(prefix);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    watcher: Arc<dyn Watcher>,
}

#[async_trait::async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        match self.watcher.put_part(data.content_length()) {
            Ok(()) => self.inner.put_part(data),
            Err(refused) => Box::pin(async { Err(refused) }),
        }
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.inner.complete().await
    }

    /// The store can't remove what it wrote where the process ends first.
    async fn abort(&mut self) -> Result<()> {
        Ok(())
    }
}
