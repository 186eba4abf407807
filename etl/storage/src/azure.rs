//! Azure's stores: OneLake, Data Lake and Blob Storage.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use object_store::azure::{AzureConfigKey as Key, AzureCredential, AzureCredentialProvider, MicrosoftAzureBuilder};
use object_store::{CredentialProvider, ObjectStore, RetryConfig};
use url::Url;

use crate::error::{Error, Result};
use crate::tokens::{Tokens, is_token};

/// Asks for the identity of a machine of Azure's. There is no setting of the library's for it: where nothing else is set it asks
/// 169.254.169.254, which elsewhere doesn't answer for minutes, or isn't Azure.
const MANAGED_IDENTITY: &str = "azure_use_managed_identity";

/// Settings that open a store together; what comes first counts more.
const CREDENTIALS: [&[Key]; 7] = [
    &[Key::AccessKey],
    &[Key::SasKey],
    &[Key::Token],
    &[Key::ClientSecret, Key::ClientId, Key::AuthorityId],
    &[Key::FederatedTokenFile, Key::ClientId, Key::AuthorityId],
    &[Key::UseAzureCli],
    &[Key::FabricSessionToken, Key::FabricTokenServiceUrl, Key::FabricWorkloadHost, Key::FabricClusterIdentifier],
];

/// Those of one machine's identity that say which one is meant.
const IDENTITY: [Key; 3] = [Key::MsiEndpoint, Key::ObjectId, Key::MsiResourceId];

/// How the store of a lakehouse is opened.
#[derive(Clone, Default)]
pub struct StoreOptions {
    /// By rank: what comes first counts more.
    settings: Vec<BTreeMap<String, String>>,
    tokens: Option<Arc<Tokens>>,
}

impl StoreOptions {
    /// Settings by their variables' names, such as `AZURE_CLIENT_ID`, from one place or several, of which the first counts most.
    /// Others than those of a store are left alone.
    pub fn new(places: impl IntoIterator<Item = HashMap<String, String>>) -> Self {
        let lower = |place: HashMap<String, String>| {
            place.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
        };
        Self { settings: places.into_iter().map(lower).collect(), tokens: None }
    }

    /// The same with tokens that are renewed, which take the place of all credentials among the settings.
    #[must_use]
    pub fn with_tokens(self, tokens: Option<Arc<Tokens>>) -> Self {
        Self { tokens, ..self }
    }

    /// All settings, each as its highest place says it.
    pub fn settings(&self) -> HashMap<String, String> {
        self.settings.iter().rev().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The settings with one set of credentials, that of the highest rank.
    fn chosen(&self, root: &Url) -> Result<HashMap<Key, String>> {
        let mut settings = HashMap::new();
        let mut credentials = None;
        for place in &self.settings {
            // A setting may have several names: the narrower one counts, `azure_storage_client_id` before `azure_client_id`.
            for (name, value) in place.iter().rev() {
                if let Ok(key) = name.parse() {
                    settings.entry(key).or_insert_with(|| value.clone());
                }
            }
            // What a lower place adds completes a set, and takes the place of none.
            credentials = credentials.or_else(|| CREDENTIALS.into_iter().find(|set| is_complete(set, &settings)));
            if credentials.is_none() && is_on(place.get(MANAGED_IDENTITY)) {
                // What lower places say of other credentials is none of this one's.
                break;
            }
        }
        if settings.get(&Key::Token).is_some_and(|token| !is_token(token)) {
            return Err(Error::malformed_token());
        }
        let said = self.settings.iter().find_map(|place| place.get(MANAGED_IDENTITY));
        let unsigned = [Key::UseEmulator, Key::SkipSignature].iter().any(|key| is_on(settings.get(key)));
        let identity = is_on(said) || IDENTITY.iter().any(|key| settings.contains_key(key));
        if self.tokens.is_none() && credentials.is_none() && !identity && !unsigned {
            return Err(missing(root, &settings));
        }
        if !unsigned {
            for set in CREDENTIALS.into_iter().filter(|set| credentials != Some(*set)) {
                settings.retain(|key, _| set.first() != Some(key));
            }
        }
        Ok(settings)
    }
}

impl fmt::Debug for StoreOptions {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.settings.iter().map(BTreeMap::keys).collect();
        f.debug_struct("StoreOptions").field("settings", &names).field("tokens", &self.tokens).finish()
    }
}

fn is_complete(set: &[Key], settings: &HashMap<Key, String>) -> bool {
    set.iter().all(|key| match key {
        Key::UseAzureCli => is_on(settings.get(key)),
        key => settings.contains_key(key),
    })
}

fn is_on(value: Option<&String>) -> bool {
    value.is_some_and(|value| ["1", "true", "on", "yes", "y"].contains(&value.trim().to_ascii_lowercase().as_str()))
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
    Error::no_credentials(root, lacking, !is_onelake(root))
}

fn is_onelake(root: &Url) -> bool {
    root.host_str().is_some_and(|host| host.contains("onelake") && host.ends_with(".fabric.microsoft.com"))
}

/// The store of a lakehouse that isn't on this machine, `None` for others: one for all of its tables, so that they share connections and
/// tokens. Nobody is asked.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the options hold no credentials for it, or contradict each other.
pub fn store(root: &Url, options: &StoreOptions, retry: RetryConfig) -> Result<Option<Arc<dyn ObjectStore>>> {
    if root.scheme() == "file" {
        return Ok(None);
    }
    let settings = options.chosen(root)?;
    let bad = |error: object_store::Error| Error::store_settings(root).with_source(error);
    let mut builder = MicrosoftAzureBuilder::new().with_url(root.as_str()).with_retry(retry);
    for (key, value) in settings {
        builder = builder.with_config(key, value);
    }
    let credentials: AzureCredentialProvider = match &options.tokens {
        Some(tokens) => tokens.clone(),
        None => Arc::new(Hidden(builder.clone().build().map_err(bad)?.credentials().clone())),
    };
    let store = builder.with_credentials(credentials).build().map_err(bad)?;
    Ok(Some(Arc::new(store)))
}

/// Credentials that aren't shown where a store is.
struct Hidden(AzureCredentialProvider);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

#[async_trait::async_trait]
impl CredentialProvider for Hidden {
    type Credential = AzureCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AzureCredential>> {
        self.0.get_credential().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const ONELAKE: &str = "abfss://ws@onelake.dfs.fabric.microsoft.com/item/Tables/";

    fn place(settings: &[(&str, &str)]) -> HashMap<String, String> {
        settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn chosen(url: &str, places: &[&[(&str, &str)]]) -> Result<Vec<Key>> {
        let options = StoreOptions::new(places.iter().map(|settings| place(settings)));
        let keys = options.chosen(&Url::parse(url).unwrap())?;
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
        let settings = StoreOptions::new([place(&names)]).chosen(&Url::parse(ONELAKE).unwrap()).unwrap();
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
        let local = Url::parse("file:///data/").unwrap();
        assert!(store(&local, &StoreOptions::default(), RetryConfig::default()).unwrap().is_none());
    }
}
