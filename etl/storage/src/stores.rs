//! The stores of lakehouses that aren't on this machine.

use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutPayload, RetryConfig};
use url::Url;

use crate::error::{Error, Result};
use crate::store_options::StoreOptions;
use crate::{azure, gcs, s3};

/// The store of a lakehouse that isn't on this machine, `None` for others: one for all of its tables, so that they share connections and
/// tokens. Nobody is asked.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the options hold no credentials for it, or contradict each other.
pub fn store(root: &Url, options: &StoreOptions, retry: RetryConfig) -> Result<Option<Arc<dyn ObjectStore>>> {
    Ok(match root.scheme() {
        "file" => None,
        "s3" => Some(s3::store(root, options, retry)?),
        "gs" => Some(gcs::store(root, options, retry)?),
        _ => Some(azure::store(root, options, retry)?),
    })
}

/// Tries whether a store that speaks S3's protocol keeps one commit from taking the place of another: older ones don't know the condition,
/// and would say nothing of it. An object that another run has put for this and not yet removed shows it as well.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when it doesn't, and [`Kind::Lake`](crate::error::Kind::Lake) when nothing can be written.
pub async fn try_condition(root: &Url, store: &dyn ObjectStore) -> Result<()> {
    if root.scheme() != "s3" {
        return Ok(());
    }
    let failed = |error: object_store::Error| Error::unwritable_store(root).with_source(error);
    let folder = Path::from_url_path(root.path()).map_err(|error| Error::store_settings(root).with_source(error))?;
    let place = folder.join("_condition");
    let put = async || match store.put_opts(&place, PutPayload::new(), PutMode::Create.into()).await {
        Ok(_) => Ok(true),
        Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
        Err(error) => Err(failed(error)),
    };
    if !put().await? {
        return Ok(());
    }
    let again = put().await;
    if let Err(error) = store.delete(&place).await {
        // Whoever may not delete can load all the same.
        tracing::debug!("{place} stays: {error}");
    }
    if again? { Err(Error::unconditional_store(root)) } else { Ok(()) }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::HashMap;

    use super::*;

    pub(crate) fn place(settings: &[(&str, &str)]) -> HashMap<String, String> {
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_folder_has_no_store() {
        let local = Url::parse("file:///data/").unwrap();
        assert!(store(&local, &StoreOptions::default(), RetryConfig::default()).unwrap().is_none());
    }
}
