//! The names that settings go by, and settings in layers: what is said nearer counts more.

use super::clean::clean;
use super::keys::{Keys, in_client_id, in_company, in_password, in_public_key, in_username};
use super::{Config, invalid};
use crate::base_url::{self, Address};
use crate::{Credentials, Error, Result, reason::Reason};

/// Each ending with each of the beginnings that programs for this API use. The first name is the one that messages tell.
macro_rules! names {
    ($($ending:literal),*) => {
        &[$(
            concat!("CW_", $ending),
            concat!("CONNECTWISE_", $ending),
            concat!("CWM_", $ending),
            concat!("CW_MANAGE_", $ending),
        )*]
    };
}

pub(super) const BASE_URL: &[&str] = names!("BASE_URL", "URL", "API_URL", "API_ROOT", "SERVER_URL");
pub(super) const SITE: &[&str] = names!("SITE", "SITE_URL", "SERVER", "HOST");
pub(super) const USERNAME: &[&str] = names!("AUTH_USERNAME");
pub(super) const COMPANY: &[&str] = names!("COMPANY", "COMPANY_ID", "COMPANYID");
pub(super) const PUBLIC_KEY: &[&str] = names!("PUBLIC_KEY", "PUBLICKEY", "PUB_KEY", "API_PUBLIC_KEY");
pub(super) const PASSWORD: &[&str] =
    names!("AUTH_PASSWORD", "PRIVATE_KEY", "PRIVATEKEY", "PRIV_KEY", "API_PRIVATE_KEY");
pub(super) const CLIENT_ID: &[&str] = names!("CLIENTID", "CLIENT_ID");

/// Every name that is looked up, by setting, the usual one first.
pub(super) const ALL: [&[&str]; 7] = [BASE_URL, SITE, USERNAME, COMPANY, PUBLIC_KEY, PASSWORD, CLIENT_ID];

/// A value, and what the variable or the argument is called that holds it.
#[derive(Clone)]
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) value: String,
}

impl Given {
    /// The value in a text, `None` if there is none in it.
    pub(super) fn read(name: &'static str, text: &str) -> Result<Option<Self>> {
        let value = clean(text).to_owned();
        if value.chars().any(char::is_control) {
            return Err(invalid(name, "holds a line break or another control character"));
        }
        Ok((!value.is_empty()).then_some(Self { name, value }))
    }
}

/// What one place says, such as the environment or a file.
struct Layer {
    address: Option<Where>,
    company: Option<Given>,
    public_key: Option<Given>,
    private_key: Option<Given>,
    client_id: Option<Given>,
}

/// An address, and whether it is that of the web client, which can be asked where the API is.
struct Where {
    address: Address,
    is_site: bool,
}

impl Config {
    /// Settings from the process's environment, by the names of [`Config::from_layers`].
    ///
    /// # Errors
    /// As [`Config::from_layers`].
    pub fn from_env() -> Result<Self> {
        Self::from_layers(&[&|name| std::env::var(name).ok()])
    }

    /// Settings by the names of variables, from several places, that which counts most first. Each place is asked for
    /// `CW_BASE_URL` (or `CW_SITE`, the host that people type to get to the web client, which is asked before the first request
    /// which codebase it runs), `CW_AUTH_USERNAME` (or `CW_COMPANY` and `CW_PUBLIC_KEY`), `CW_AUTH_PASSWORD` and
    /// `CW_CLIENTID`, and for the other names that these settings go by ([`Config::variables`]).
    ///
    /// White space and quotation marks around values go. Credentials that stand together in one variable
    /// (`company+publicKey:privateKey`, or the `Basic ...` of a request's header) are taken apart.
    ///
    /// # Errors
    /// A sentence that names the variable which is missing or wrong, or the two of one place that disagree, never a value.
    pub fn from_layers(layers: &[&dyn Fn(&'static str) -> Option<String>]) -> Result<Self> {
        let layers: Vec<Layer> = layers.iter().map(|lookup| Layer::read(lookup)).collect::<Result<_>>()?;
        let first = |of: fn(&Layer) -> Option<&Given>| layers.iter().find_map(of).cloned();
        let Some(Where { address, is_site }) = layers.iter().find_map(|layer| layer.address.as_ref()) else {
            return Err(missing(
                "CW_BASE_URL",
                "give the address of the API, for example https://api-na.myconnectwise.net",
            ));
        };
        let company = first(|layer| layer.company.as_ref());
        let public_key = first(|layer| layer.public_key.as_ref());
        let username = match (company, public_key) {
            (Some(company), Some(key)) => format!("{}+{}", company.value, key.value),
            (Some(_), None) => {
                return Err(missing("CW_PUBLIC_KEY", "CW_COMPANY needs the public key of the API member beside it"));
            }
            (None, Some(_)) => {
                return Err(missing("CW_COMPANY", "CW_PUBLIC_KEY needs the company id of the login page beside it"));
            }
            (None, None) => return Err(missing("CW_AUTH_USERNAME", "give company+publicKey of the API member")),
        };
        let password = first(|layer| layer.private_key.as_ref())
            .ok_or_else(|| missing("CW_AUTH_PASSWORD", "give the private key of the API member"))?;
        let client_id = first(|layer| layer.client_id.as_ref()).ok_or_else(|| {
            missing("CW_CLIENTID", "give the client id of your integration, from developer.connectwise.com")
        })?;
        let site = (*is_site && !address.names_codebase).then(|| address.typed.clone());
        let credentials = Credentials { username, password: password.value.into(), client_id: client_id.value };
        Ok(Self { site, ..Self::with_defaults(address.root.clone(), credentials) })
    }

    /// Whom settings name, whether or not they are enough to ask: the company id, and the server as [`Config::server`] gives it.
    /// They are read as [`Config::from_layers`] does.
    ///
    /// # Errors
    /// As [`Config::from_layers`], but for what is missing.
    pub fn company_and_server(
        layers: &[&dyn Fn(&'static str) -> Option<String>],
    ) -> Result<(Option<String>, Option<String>)> {
        let layers: Vec<Layer> = layers.iter().map(|lookup| Layer::read(lookup)).collect::<Result<_>>()?;
        let company = layers.iter().find_map(|layer| layer.company.as_ref()).map(|given| given.value.clone());
        let server = layers.iter().find_map(|layer| layer.address.as_ref());
        Ok((company, server.map(|server| base_url::server(&server.address.root))))
    }

    /// The names that [`Config::from_layers`] looks up: those of one setting together, the usual one first.
    pub fn variables() -> impl Iterator<Item = &'static [&'static str]> {
        ALL.into_iter()
    }
}

impl Layer {
    fn read(lookup: &dyn Fn(&'static str) -> Option<String>) -> Result<Self> {
        let exactly = |one: &str, other: &str| one == other;
        let mut keys = Keys::default();
        if let Some(given) = one_of(lookup, USERNAME, exactly)? {
            in_username(given, &mut keys)?;
        }
        if let Some(given) = one_of(lookup, COMPANY, str::eq_ignore_ascii_case)? {
            in_company(given, &mut keys)?;
        }
        if let Some(given) = one_of(lookup, PUBLIC_KEY, exactly)? {
            in_public_key(given, &mut keys)?;
        }
        if let Some(given) = one_of(lookup, PASSWORD, exactly)? {
            in_password(given, &mut keys)?;
        }
        let client_id = one_of(lookup, CLIENT_ID, str::eq_ignore_ascii_case)?.map(in_client_id).transpose()?;
        let Keys { company, public_key, private_key } = keys;
        Ok(Self { address: address(lookup)?, company, public_key, private_key, client_id })
    }
}

/// The address that a place gives: the API's, or else that of the web client. Both together have to be of one server.
fn address(lookup: &dyn Fn(&'static str) -> Option<String>) -> Result<Option<Where>> {
    let root = |name, text: &str| base_url::parse(text, name).map(|address| address.root);
    let same = |one: &str, other: &str| match (root("", one), root("", other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    };
    let read = |given: &Given| base_url::parse(&given.value, given.name);
    match (one_of(lookup, BASE_URL, same)?, one_of(lookup, SITE, same)?) {
        (Some(url), site) => {
            let address = read(&url)?;
            if let Some(site) = site
                && base_url::server(&read(&site)?.root) != base_url::server(&address.root)
            {
                return Err(disagree(url.name, site.name));
            }
            Ok(Some(Where { address, is_site: false }))
        }
        (None, Some(site)) => Ok(Some(Where { address: read(&site)?, is_site: true })),
        (None, None) => Ok(None),
    }
}

/// The value that one of the names has. Several that have one have to have the same.
fn one_of(
    lookup: &dyn Fn(&'static str) -> Option<String>,
    names: &[&'static str],
    same: impl Fn(&str, &str) -> bool,
) -> Result<Option<Given>> {
    let mut found: Option<Given> = None;
    for name in names {
        let Some(text) = lookup(name) else { continue };
        let Some(given) = Given::read(name, &text)? else { continue };
        match &found {
            None => found = Some(given),
            Some(first) if same(&first.value, &given.value) => {}
            Some(first) => return Err(disagree(first.name, name)),
        }
    }
    Ok(found)
}

pub(super) fn disagree(one: &'static str, other: &'static str) -> Error {
    Error::new(Reason::Disagree { one, other })
}

pub(super) fn missing(variable: &'static str, hint: &'static str) -> Error {
    Error::new(Reason::Missing { variable, hint })
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    const GUID: &str = "11111111-2222-3333-4444-555555555555";
    /// printf 'acme+pub:geheim' | base64
    const BASIC: &str = "Basic YWNtZStwdWI6Z2VoZWlt";

    fn layer<'a>(values: &'a [(&'a str, &'a str)]) -> impl Fn(&'static str) -> Option<String> + 'a {
        move |name| values.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn read(values: &[(&str, &str)]) -> std::result::Result<Config, String> {
        Config::from_layers(&[&layer(values)]).map_err(|error| {
            let text = error.to_string();
            assert!(!text.contains("geheim") && !text.contains("YWNt"), "{text}");
            text
        })
    }

    fn assert_acme(values: &[(&str, &str)]) {
        let config = read(values).unwrap_or_else(|error| panic!("{values:?}: {error}"));
        assert_eq!(config.base_url(), "https://api-na.myconnectwise.net/v4_6_release/apis/3.0", "{values:?}");
        assert_eq!(config.credentials.authorization().expose_secret(), BASIC, "{values:?}");
        assert_eq!(config.credentials.client_id, GUID, "{values:?}");
    }

    #[test]
    fn the_names_that_nearly_everybody_uses_are_taken() {
        for prefix in ["CW", "CONNECTWISE", "CWM", "CW_MANAGE"] {
            for (url, company, public, private, client) in [
                ("BASE_URL", "COMPANY", "PUBLIC_KEY", "PRIVATE_KEY", "CLIENTID"),
                ("SITE_URL", "COMPANY_ID", "PUBLIC_KEY", "PRIVATE_KEY", "CLIENT_ID"),
                ("URL", "COMPANYID", "PUBLICKEY", "PRIVATEKEY", "CLIENT_ID"),
                ("API_URL", "COMPANY_ID", "API_PUBLIC_KEY", "API_PRIVATE_KEY", "CLIENT_ID"),
                ("SITE", "COMPANY_ID", "PUB_KEY", "PRIV_KEY", "CLIENT_ID"),
            ] {
                let names = [url, company, public, private, client].map(|ending| format!("{prefix}_{ending}"));
                let values = ["https://na.myconnectwise.net", "acme", "pub", "geheim", GUID];
                assert_acme(&names.iter().map(String::as_str).zip(values).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn a_company_and_a_server_are_told_without_credentials() {
        let named =
            |values: &[(&str, &str)]| Config::company_and_server(&[&layer(values)]).map_err(|error| error.to_string());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(named(&[]), Ok((None, None)));
        assert_eq!(named(&[("CWM_COMPANY_ID", " acme ")]), Ok((some("acme"), None)));
        let both = (some("acme"), some("na.myconnectwise.net"));
        assert_eq!(
            named(&[("CW_AUTH_USERNAME", "acme+pub"), ("CW_URL", "https://api-na.myconnectwise.net")]),
            Ok(both)
        );
        assert_eq!(named(&[("CW_PASSWORD", "geheim"), ("CW_CLIENTID", GUID)]), Ok((None, None)));
        assert!(named(&[("CW_COMPANY", "acme"), ("CW_COMPANY_ID", "beta")]).unwrap_err().contains("different values"));
        // Nearer places count more, setting by setting.
        let (near, far) =
            ([("CW_COMPANY", "acme")], [("CW_AUTH_USERNAME", "beta+pub"), ("CW_SITE", "psa.example.com")]);
        let found = Config::company_and_server(&[&layer(&near), &layer(&far)]).unwrap();
        assert_eq!(found, (some("acme"), some("psa.example.com")));
    }

    #[test]
    fn what_is_written_in_other_ways_is_repaired() {
        let quoted = format!("\"{GUID}\"");
        let with = |who: &[(&'static str, &'static str)]| {
            let mut all = vec![("CW_SITE", "'na.myconnectwise.net'"), ("CW_CLIENT_ID", quoted.as_str())];
            all.extend(who);
            all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
        };
        let table: [&[(&str, &str)]; 14] = [
            &[("CW_AUTH_USERNAME", "\"acme+pub\""), ("CW_AUTH_PASSWORD", "'geheim'")],
            &[("CW_AUTH_USERNAME", "acme + pub"), ("CW_AUTH_PASSWORD", "geheim\r\n")],
            &[("CW_AUTH_USERNAME", " acme+pub:geheim ")],
            &[("CW_AUTH_USERNAME", "acme+pub:geheim"), ("CW_AUTH_PASSWORD", "geheim")],
            &[("CW_AUTH_USERNAME", "Basic YWNtZStwdWI6Z2VoZWlt")],
            &[("CW_AUTH_USERNAME", "Authorization: Basic YWNtZStwdWI6Z2VoZWlt")],
            &[("CW_AUTH_PASSWORD", "basic YWNtZStwdWI6Z2VoZWlt")],
            &[("CW_PRIVATE_KEY", "Basic YWNtZStwdWI6Z2VoZWlt"), ("CW_COMPANY_ID", "acme"), ("CW_PUBLIC_KEY", "pub")],
            &[("CW_COMPANY", "acme+pub"), ("CW_PRIVATE_KEY", "geheim")],
            &[("CW_COMPANY_ID", "acme+pub"), ("CW_PUBLIC_KEY", "pub"), ("CW_PRIVATE_KEY", "geheim")],
            &[("CW_COMPANY_ID", "acme"), ("CW_PUBLIC_KEY", "acme+pub"), ("CW_PRIVATE_KEY", "geheim")],
            &[("CW_PUBLIC_KEY", "acme+pub:geheim")],
            &[("CW_PRIVATE_KEY", "acme+pub:geheim"), ("CW_COMPANY", "acme")],
            &[
                ("CW_COMPANY", "acme"),
                ("CW_PUBLIC_KEY", "pub"),
                ("CW_AUTH_PASSWORD", "geheim"),
                ("CW_PRIVATE_KEY", "geheim"),
            ],
        ];
        for who in table {
            let values = with(who);
            assert_acme(&values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect::<Vec<_>>());
        }
        for id in [format!("clientId: {GUID}"), format!("{{{GUID}}}")] {
            assert_acme(&[
                ("CW_URL", "na.myconnectwise.net"),
                ("CW_AUTH_USERNAME", "acme+pub"),
                ("CW_AUTH_PASSWORD", "geheim"),
                ("CW_CLIENT_ID", &id),
            ]);
        }
        // A password is anything that isn't this company's credentials.
        for password in ["p+w", "other+a:b", "a:b", "#1 $x"] {
            let config = read(&[
                ("CW_URL", "na.myconnectwise.net"),
                ("CW_AUTH_USERNAME", "acme+pub"),
                ("CW_AUTH_PASSWORD", password),
                ("CW_CLIENTID", GUID),
            ]);
            assert_eq!(config.unwrap().credentials.password.expose_secret(), password);
        }
    }

    #[test]
    fn what_disagrees_or_stands_in_the_wrong_place_is_named() {
        let base = [("CW_URL", "na.myconnectwise.net"), ("CW_CLIENTID", GUID)];
        let both = |one, other| {
            format!("{one} and {other} are set to different values and mean the same: leave one of them out")
        };
        let table: [(&[(&str, &str)], String); 13] = [
            (&[("CW_BASE_URL", "eu.myconnectwise.net")], both("CW_BASE_URL", "CW_URL")),
            (&[("CW_SITE_URL", "eu.myconnectwise.net")], both("CW_URL", "CW_SITE_URL")),
            (&[("CW_CLIENT_ID", "other")], both("CW_CLIENTID", "CW_CLIENT_ID")),
            (&[("CW_COMPANY", "acme"), ("CW_COMPANY_ID", "beta")], both("CW_COMPANY", "CW_COMPANY_ID")),
            (&[("CW_AUTH_USERNAME", "acme+pub"), ("CW_COMPANY_ID", "beta")], both("CW_AUTH_USERNAME", "CW_COMPANY_ID")),
            (&[("CW_AUTH_USERNAME", "acme+pub"), ("CW_PUBLIC_KEY", "geheim")], both("CW_AUTH_USERNAME", "CW_PUBLIC_KEY")),
            (&[("CW_AUTH_PASSWORD", "geheim"), ("CW_PRIVATE_KEY", "other")], both("CW_AUTH_PASSWORD", "CW_PRIVATE_KEY")),
            (
                &[("CW_AUTH_USERNAME", "acme+pub:geheim"), ("CW_AUTH_PASSWORD", "other")],
                both("CW_AUTH_USERNAME", "CW_AUTH_PASSWORD"),
            ),
            (
                &[("CW_AUTH_USERNAME", "acme+pub"), ("CW_AUTH_PASSWORD", "acme+pub")],
                "CW_AUTH_PASSWORD holds company+publicKey, the user name: give the private key of the API member here".to_owned(),
            ),
            (
                &[("CW_AUTH_USERNAME", "Basic geheim!")],
                "CW_AUTH_USERNAME holds a header \"Basic ...\" that isn't company+publicKey:privateKey in Base64: copy all of it"
                    .to_owned(),
            ),
            (
                &[("CW_COMPANY", "https://na.myconnectwise.net")],
                "CW_COMPANY must be the company id of the login page, a short name without spaces".to_owned(),
            ),
            (&[("CONNECTWISE_CLIENT_ID", "acme+pub:geheim")], both("CW_CLIENTID", "CONNECTWISE_CLIENT_ID")),
            (
                &[("CW_AUTH_USERNAME", "acme+pub"), ("CW_AUTH_PASSWORD", "gehei\u{0}m")],
                "CW_AUTH_PASSWORD holds a line break or another control character".to_owned(),
            ),
        ];
        for (values, expected) in table {
            assert_eq!(read(&[&base, values].concat()).unwrap_err(), expected, "{values:?}");
        }
        let id = read(&[("CW_CLIENT_ID", "acme+pub:geheim")]).unwrap_err();
        assert_eq!(id, "CW_CLIENT_ID must be the client id of the integration, not the credentials of the API member");
    }

    #[test]
    fn the_documentation_has_every_name() {
        let text = include_str!("../../../docs/configuration.md");
        for names in ALL {
            let row = text.lines().rfind(|line| line.starts_with(&format!("| `{}` |", names[0]))).unwrap();
            let listed: Vec<&str> = row.split('`').skip(3).step_by(2).collect();
            let looked_up: Vec<&str> = names.iter().filter_map(|name| name.strip_prefix("CWM_")).collect();
            assert_eq!(listed, looked_up, "{}", names[0]);
        }
    }

    #[test]
    fn the_place_that_counts_more_wins_setting_by_setting() {
        let nearer = [("CW_URL", "na.myconnectwise.net"), ("CW_COMPANY", "acme")];
        let further = [
            ("CW_BASE_URL", "https://planted.example.org"),
            ("CW_SITE", "https://planted.example.org"),
            ("CW_AUTH_USERNAME", "beta+pub"),
            ("CW_AUTH_PASSWORD", "geheim"),
            ("CW_CLIENTID", GUID),
        ];
        // Within one place these would disagree; between two the nearer one counts.
        let config = Config::from_layers(&[&layer(&nearer), &layer(&further)]).unwrap();
        assert_eq!(config.base_url(), "https://api-na.myconnectwise.net/v4_6_release/apis/3.0");
        assert_eq!(config.site, None);
        assert_eq!(config.credentials.authorization().expose_secret(), BASIC);
        assert_eq!((config.company(), config.server().as_str()), ("acme", "na.myconnectwise.net"));
    }
}
