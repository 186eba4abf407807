//! Google Cloud Storage.

use std::sync::Arc;

use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey as Key};
use object_store::{ObjectStore, RetryConfig};
use url::Url;

use crate::error::{Error, Result};
use crate::store_options::{Credentials, Hidden, Opening, StoreOptions};

const OPENING: Opening<Key> = Opening {
    credentials: &[
        Credentials { own: &[Key::ServiceAccountKey], shared: &[], optional: &[] },
        Credentials { own: &[Key::ServiceAccount], shared: &[], optional: &[] },
        Credentials { own: &[Key::ApplicationCredentials], shared: &[], optional: &[] },
    ],
    switches: &[],
    // The library looks for what `gcloud auth application-default login` left before it asks the machine.
    machine: "google_use_application_default",
    identities: &[],
    unsigned: &[Key::SkipSignature],
};

pub(crate) fn store(root: &Url, options: &StoreOptions, retry: RetryConfig) -> Result<Arc<dyn ObjectStore>> {
    if options.tokens().is_some() {
        return Err(Error::foreign_tokens(root));
    }
    let chosen = options.chosen(&OPENING);
    if !chosen.opens {
        return Err(Error::no_google_credentials(root));
    }
    let mut builder = GoogleCloudStorageBuilder::new().with_url(root.as_str()).with_retry(retry);
    for (key, value) in chosen.settings {
        builder = builder.with_config(key, value);
    }
    let bad = |error: object_store::Error| Error::store_settings(root).with_source(error);
    let credentials = Hidden(builder.clone().build().map_err(bad)?.credentials().clone());
    Ok(Arc::new(builder.with_credentials(Arc::new(credentials)).build().map_err(bad)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::stores::tests::place;

    const BUCKET: &str = "gs://bucket/lake/";
    /// A key that asks nobody for tokens, as the library knows them for stand-ins of the store.
    const KEY: (&str, &str) = (
        "GOOGLE_SERVICE_ACCOUNT_KEY",
        r#"{"client_email": "etl", "private_key": "geheim", "private_key_id": "1", "disable_oauth": true}"#,
    );
    const FILE: (&str, &str) = ("GOOGLE_SERVICE_ACCOUNT", "/key.json");
    const DEFAULT: (&str, &str) = ("GOOGLE_APPLICATION_CREDENTIALS", "/credentials.json");

    fn opened(settings: &[(&str, &str)]) -> Result<Arc<dyn ObjectStore>> {
        store(&Url::parse(BUCKET).unwrap(), &StoreOptions::new([place(settings)]), RetryConfig::default())
    }

    #[test]
    fn without_credentials_nobody_is_asked_and_one_sentence_names_the_variables() {
        let error = opened(&[("GOOGLE_CLOUD_PROJECT", "x")]).unwrap_err();
        assert_eq!(error.kind(), Kind::Config);
        assert_eq!(
            error.report(),
            "nothing says who opens gs://bucket/lake/: set GOOGLE_APPLICATION_CREDENTIALS or GOOGLE_SERVICE_ACCOUNT to the path \
             of a file with a key, or GOOGLE_SERVICE_ACCOUNT_KEY to its text, or on a machine of Google's, and where gcloud has \
             logged in, GOOGLE_USE_APPLICATION_DEFAULT=true"
        );
        assert!(opened(&[("GOOGLE_USE_APPLICATION_DEFAULT", "true")]).is_ok());
    }

    #[test]
    fn one_set_of_credentials_counts() {
        let chosen = |places: &[&[(&str, &str)]]| {
            let options = StoreOptions::new(places.iter().map(|settings| place(settings)));
            options.chosen(&OPENING).settings.into_keys().collect::<Vec<Key>>()
        };
        // The library refuses two of them.
        assert_eq!(chosen(&[&[FILE, KEY, DEFAULT]]), [Key::ServiceAccountKey]);
        assert_eq!(chosen(&[&[DEFAULT], &[FILE, KEY]]), [Key::ApplicationCredentials]);
        assert_eq!(chosen(&[&[("GOOGLE_USE_APPLICATION_DEFAULT", "1")], &[KEY]]), []);
    }

    #[test]
    fn a_store_shows_no_secret_and_a_wrong_key_is_named_without_it() {
        let shown = format!("{:?}", opened(&[KEY]).unwrap());
        assert!(shown.contains("bucket") && !shown.contains("geheim"), "{shown}");
        for key in [r#"{"private_key": "geheim"}"#, "geheim", &KEY.1.replace("true", "false")] {
            let error = opened(&[(KEY.0, key)]).unwrap_err();
            let report = error.report();
            assert!(report.starts_with("the settings of the store gs://bucket/lake/ are wrong: "), "{report}");
            assert!(error.kind() == Kind::Config && !report.contains("geheim"), "{report}");
        }
    }
}
