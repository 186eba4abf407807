//! How Delta commits to stores that its own crate has no code for.

use std::sync::{Arc, Once};

use deltalake::DeltaResult;
use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use url::Url;

/// Tells Delta, which asks by the scheme of a table's URL, that commits to these stores are objects that may not be there yet, as they
/// are for Azure's. Its own crate for S3 would do the same, and brings forty others for locks in a database that S3 needed once.
pub(crate) fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        for scheme in ["s3", "gs"] {
            if let Ok(scheme) = Url::parse(&format!("{scheme}://")) {
                logstore_factories().insert(scheme, Arc::new(CreatedCommits));
            }
        }
    });
}

/// Commits that are put under a condition: that there is no object of that name.
struct CreatedCommits;

impl LogStoreFactory for CreatedCommits {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}
