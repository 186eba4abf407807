//! Azure's stores: OneLake, Data Lake and Blob Storage.

use std::collections::HashMap;
use std::sync::Arc;

use object_store::azure::{AzureConfigKey as Key, AzureCredentialProvider, MicrosoftAzureBuilder};
use object_store::{ObjectStore, RetryConfig};
use url::Url;

use crate::error::{Error, Result};
use crate::store_options::{Credentials, Hidden, Opening, StoreOptions};
use crate::tokens::is_token;

const OPENING: Opening<Key> = Opening {
    credentials: &[
        Credentials { own: &[Key::AccessKey], shared: &[], optional: &[] },
        Credentials { own: &[Key::SasKey], shared: &[], optional: &[] },
        Credentials { own: &[Key::Token], shared: &[], optional: &[] },
        Credentials { own: &[Key::ClientSecret], shared: &[Key::ClientId, Key::AuthorityId], optional: &[] },
        Credentials { own: &[Key::FederatedTokenFile], shared: &[Key::ClientId, Key::AuthorityId], optional: &[] },
        Credentials { own: &[Key::UseAzureCli], shared: &[], optional: &[] },
        Credentials {
            own: &[Key::FabricSessionToken],
            shared: &[Key::FabricTokenServiceUrl, Key::FabricWorkloadHost, Key::FabricClusterIdentifier],
            optional: &[],
        },
    ],
    switches: &[Key::UseAzureCli],
    machine: "azure_use_managed_identity",
    identities: &[Key::MsiEndpoint, Key::ObjectId, Key::MsiResourceId],
    unsigned: &[Key::UseEmulator, Key::SkipSignature],
};

/// What opens the store, which is somebody's where there are no tokens.
fn chosen(root: &Url, options: &StoreOptions) -> Result<HashMap<Key, String>> {
    let chosen = options.chosen(&OPENING);
    if chosen.settings.get(&Key::Token).is_some_and(|token| !is_token(token)) {
        return Err(Error::malformed_secret("AZURE_STORAGE_TOKEN"));
    }
    if options.tokens().is_none() && !chosen.opens {
        return Err(missing(root, &chosen.settings));
    }
    Ok(chosen.settings)
}

/// What there has to be, and what lacks of what there is.
fn missing(root: &Url, settings: &HashMap<Key, String>) -> Error {
    const PRINCIPAL: [(Key, &str); 3] = [
        (Key::ClientId, "AZURE_CLIENT_ID"),
        (Key::ClientSecret, "AZURE_CLIENT_SECRET"),
        (Key::AuthorityId, "AZURE_TENANT_ID"),
    ];
    let lacking = PRINCIPAL.iter().filter(|(key, _)| !settings.contains_key(key)).map(|(_, name)| *name);
    let lacking: Vec<&str> = lacking.collect();
    // Where none of them is set, a service principal isn't what somebody began with.
    let lacking: &[&str] = if lacking.len() < PRINCIPAL.len() { &lacking[..] } else { &[] };
    Error::no_azure_credentials(root, lacking, !is_onelake(root))
}

fn is_onelake(root: &Url) -> bool {
    root.host_str().is_some_and(|host| host.contains("onelake") && host.ends_with(".fabric.microsoft.com"))
}

pub(crate) fn store(root: &Url, options: &StoreOptions, retry: RetryConfig) -> Result<Arc<dyn ObjectStore>> {
    let settings = chosen(root, options)?;
    let bad = |error: object_store::Error| Error::store_settings(root).with_source(error);
    let mut builder = MicrosoftAzureBuilder::new().with_url(root.as_str()).with_retry(retry);
    for (key, value) in settings {
        builder = builder.with_config(key, value);
    }
    let credentials: AzureCredentialProvider = match options.tokens() {
        Some(tokens) => tokens.clone(),
        None => Arc::new(Hidden(builder.clone().build().map_err(bad)?.credentials().clone())),
    };
    let store = builder.with_credentials(credentials).build().map_err(bad)?;
    Ok(Arc::new(store))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::stores::store;
    use crate::stores::tests::place;

    const ONELAKE: &str = "abfss://ws@onelake.dfs.fabric.microsoft.com/item/Tables/";

    fn chosen(url: &str, places: &[&[(&str, &str)]]) -> Result<Vec<Key>> {
        let options = StoreOptions::new(places.iter().map(|settings| place(settings)));
        let keys = super::chosen(&Url::parse(url).unwrap(), &options)?;
        let mut keys: Vec<Key> = keys.into_keys().collect();
        keys.sort_by_key(|key| format!("{key:?}"));
        Ok(keys)
    }

    #[test]
    fn without_credentials_nobody_is_asked_and_one_sentence_names_the_variables() {
        let text = chosen(ONELAKE, &[]).unwrap_err();
        assert_eq!(text.kind(), Kind::Config);
        assert_eq!(
            text.report(),
            "nothing says who opens abfss://ws@onelake.dfs.fabric.microsoft.com/item/Tables/: set AZURE_CLIENT_ID, \
             AZURE_CLIENT_SECRET and AZURE_TENANT_ID of a service principal, or AZURE_STORAGE_TOKEN, AZURE_FEDERATED_TOKEN_FILE, \
             AZURE_USE_AZURE_CLI=true, or on a machine of Azure's AZURE_USE_MANAGED_IDENTITY=true"
        );
        let half = chosen(ONELAKE, &[&[("AZURE_CLIENT_ID", "id"), ("AZURE_CLIENT_SECRET", "geheim")]]).unwrap_err();
        assert!(
            half.report().contains("onelake.dfs.fabric.microsoft.com/item/Tables/ (missing: AZURE_TENANT_ID): set")
        );
        assert!(!half.report().contains("geheim"));
        // Keys open other stores than OneLake.
        let other = chosen("abfss://c@account.dfs.core.windows.net/x/", &[]).unwrap_err();
        assert!(other.report().contains("AZURE_STORAGE_ACCOUNT_KEY"), "{other}");
        // Fabric sets some of its variables itself.
        let fabric =
            [("AZURE_SERVICE", "x"), ("AZURE_FABRIC_CLUSTER_IDENTIFIER", "y"), ("AZURE_USE_AZURE_CLI", "false")];
        assert!(chosen(ONELAKE, &[&fabric]).is_err());
    }

    #[test]
    fn the_identity_of_a_machine_is_used_where_it_is_asked_for() {
        for name in ["AZURE_USE_MANAGED_IDENTITY", "AZURE_MSI_ENDPOINT", "AZURE_OBJECT_ID"] {
            assert!(chosen(ONELAKE, &[&[(name, "true")]]).is_ok(), "{name}");
        }
        assert!(chosen(ONELAKE, &[&[("AZURE_USE_MANAGED_IDENTITY", "false")]]).is_err());
    }

    #[test]
    fn credentials_of_a_higher_place_count_more_and_a_lower_one_completes_them() {
        let principal = [("AZURE_CLIENT_ID", "id"), ("AZURE_CLIENT_SECRET", "geheim"), ("AZURE_TENANT_ID", "tenant")];
        let token = [("AZURE_STORAGE_TOKEN", "token"), ("AZURE_STORAGE_ENDPOINT", "http://127.0.0.1:1")];
        let keys = chosen(ONELAKE, &[&principal, &token]).unwrap();
        assert_eq!(keys, [Key::AuthorityId, Key::ClientId, Key::ClientSecret, Key::Endpoint]);
        let keys = chosen(ONELAKE, &[&token, &principal]).unwrap();
        assert_eq!(keys, [Key::AuthorityId, Key::ClientId, Key::Endpoint, Key::Token]);
        let ids = [principal[0], principal[2]];
        let secret = [principal[1]];
        assert!(chosen(ONELAKE, &[&ids, &secret]).unwrap().contains(&Key::ClientSecret));
        let identity = [("AZURE_USE_MANAGED_IDENTITY", "true")];
        assert_eq!(chosen(ONELAKE, &[&identity, &principal]).unwrap(), []);
        assert!(chosen(ONELAKE, &[&principal, &identity]).unwrap().contains(&Key::ClientSecret));
        // Of two names of a setting the narrower one.
        let names = [&principal[..], &[("AZURE_STORAGE_CLIENT_ID", "own")]].concat();
        let settings = super::chosen(&Url::parse(ONELAKE).unwrap(), &StoreOptions::new([place(&names)])).unwrap();
        assert_eq!(settings[&Key::ClientId], "own");
        let text = chosen(ONELAKE, &[&[("AZURE_STORAGE_TOKEN", "geheim geheim")]]).unwrap_err().report();
        assert_eq!(text, "AZURE_STORAGE_TOKEN holds no token: that is one word");
    }

    #[test]
    fn neither_options_nor_a_store_show_a_secret() {
        let root = Url::parse(ONELAKE).unwrap();
        let options = StoreOptions::new([place(&[("AZURE_STORAGE_TOKEN", "geheim")])]);
        let shown = format!("{options:?} {:?}", store(&root, &options, RetryConfig::default()).unwrap());
        assert!(!shown.contains("geheim") && shown.contains("azure_storage_token"), "{shown}");
    }
}
