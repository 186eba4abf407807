//! How the store of a lakehouse is opened: the settings that people give, and which credentials among them count. What the settings are
//! called is in the files of the stores.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hash;
use std::str::FromStr;
use std::sync::Arc;

use object_store::CredentialProvider;

use crate::tokens::Tokens;

/// How the store of a lakehouse is opened.
#[derive(Clone, Default)]
pub struct StoreOptions {
    /// By rank: what comes first counts more.
    settings: Vec<BTreeMap<String, String>>,
    tokens: Option<Arc<Tokens>>,
}

/// Settings that open a store together.
pub(crate) struct Credentials<K: 'static> {
    /// What these credentials alone have, all of which is needed.
    pub(crate) own: &'static [K],
    /// What is needed beside it, and what others may need, too.
    pub(crate) shared: &'static [K],
    /// What belongs to these credentials alone where it is set.
    pub(crate) optional: &'static [K],
}

/// What may open stores of one kind. Keys are those of the library's settings.
pub(crate) struct Opening<K: 'static> {
    /// What comes first counts more.
    pub(crate) credentials: &'static [Credentials<K>],
    /// Settings that count where they are on, and not where they are set.
    pub(crate) switches: &'static [K],
    /// Asks for the identity of the machine. There is no setting of the library's for it: where nothing else is set it asks
    /// 169.254.169.254, which elsewhere doesn't answer for minutes, or isn't that cloud's.
    pub(crate) machine: &'static str,
    /// Settings that say which of a machine's identities is meant, and so ask for it, too.
    pub(crate) identities: &'static [K],
    /// Switches that make requests without credentials.
    pub(crate) unsigned: &'static [K],
}

/// The settings of a store with the credentials that count, or all that there are where nobody opens it.
pub(crate) struct Chosen<K> {
    pub(crate) settings: HashMap<K, String>,
    /// Whether they say who opens the store.
    pub(crate) opens: bool,
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

    /// The same with tokens that are renewed, which take the place of all credentials among the settings. They are for Azure's stores.
    #[must_use]
    pub fn with_tokens(self, tokens: Option<Arc<Tokens>>) -> Self {
        Self { tokens, ..self }
    }

    pub(crate) fn tokens(&self) -> Option<&Arc<Tokens>> {
        self.tokens.as_ref()
    }

    /// All settings, each as its highest place says it.
    pub fn settings(&self) -> HashMap<String, String> {
        self.settings.iter().rev().flatten().map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// The settings of one kind of store with one set of credentials, that of the highest rank.
    pub(crate) fn chosen<K: Copy + Eq + Hash + FromStr>(&self, opening: &Opening<K>) -> Chosen<K> {
        let mut settings = HashMap::new();
        let mut chosen = None;
        for place in &self.settings {
            // A setting may have several names: the narrower one counts, `azure_storage_client_id` before `azure_client_id`.
            for (name, value) in place.iter().rev() {
                let Ok(key) = name.parse() else { continue };
                // What a lower place says of credentials completes a set, and takes the place of none.
                if chosen.is_none() || !opening.credentials.iter().any(|set| set.has(&key)) {
                    settings.entry(key).or_insert_with(|| value.clone());
                }
            }
            chosen = chosen.or_else(|| opening.credentials.iter().position(|set| set.is_complete(opening, &settings)));
            if chosen.is_none() && is_on(place.get(opening.machine)) {
                // What lower places say of other credentials is none of this one's.
                break;
            }
        }
        let said = self.settings.iter().find_map(|place| place.get(opening.machine));
        let machine = is_on(said) || opening.identities.iter().any(|key| settings.contains_key(key));
        let unsigned = opening.unsigned.iter().any(|key| is_on(settings.get(key)));
        let opens = chosen.is_some() || machine || unsigned;
        if opens && !unsigned {
            let others = opening.credentials.iter().enumerate().filter(|(at, _)| chosen != Some(*at));
            for (_, set) in others {
                settings.retain(|key, _| !set.has(key));
            }
        }
        Chosen { settings, opens }
    }
}

impl<K: Eq + Hash> Credentials<K> {
    /// Whether a setting is one of these credentials alone.
    fn has(&self, key: &K) -> bool {
        self.own.contains(key) || self.optional.contains(key)
    }

    fn is_complete(&self, opening: &Opening<K>, settings: &HashMap<K, String>) -> bool {
        self.own.iter().chain(self.shared).all(|key| match opening.switches.contains(key) {
            true => is_on(settings.get(key)),
            false => settings.contains_key(key),
        })
    }
}

impl fmt::Debug for StoreOptions {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.settings.iter().map(BTreeMap::keys).collect();
        f.debug_struct("StoreOptions").field("settings", &names).field("tokens", &self.tokens).finish()
    }
}

/// Whether a setting is a yes.
pub(crate) fn is_on(value: Option<&String>) -> bool {
    value.is_some_and(|value| ["1", "true", "on", "yes", "y"].contains(&value.trim().to_ascii_lowercase().as_str()))
}

/// Credentials that aren't shown where a store is.
pub(crate) struct Hidden<T>(pub(crate) Arc<dyn CredentialProvider<Credential = T>>);

impl<T> fmt::Debug for Hidden<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

#[async_trait::async_trait]
impl<T: fmt::Debug + Send + Sync + 'static> CredentialProvider for Hidden<T> {
    type Credential = T;

    async fn get_credential(&self) -> object_store::Result<Arc<T>> {
        self.0.get_credential().await
    }
}
