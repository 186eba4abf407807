//! What people paste as a list: a path with or without its slash, a URL of the API, and either with a query behind it.

use connectwise_extract::closest::advice;
use connectwise_pipeline::error::{Error, Result};
use connectwise_sdk::MAX_PAGE_SIZE;
use url::{Url, form_urlencoded};

use super::columns::entity_of;
use crate::error;

/// Where the paths of the API begin.
const ROOT: &str = "apis/3.0/";
/// Parameters that only some lists have, as the interface document names them.
const OF_SOME: [&str; 7] =
    ["recordType", "recordId", "type", "id", "deviceIdentifier", "xrefRecId", "managedIdentifier"];
/// Parameters that every list has.
const OF_ALL: [&str; 6] = ["conditions", "childConditions", "customFieldConditions", "fields", "orderBy", "pageSize"];

/// What is asked of a list beside its path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Condition, in the API's query language.
    pub conditions: Option<String>,
    /// Condition on the elements of an array property.
    pub child_conditions: Option<String>,
    /// Condition on custom fields.
    pub custom_field_conditions: Option<String>,
    /// Properties to return, comma-separated, nested with `/`.
    pub fields: Option<String>,
    /// Order, as `priority/sort desc, id`.
    pub order_by: Option<String>,
    /// Records per page.
    pub page_size: Option<u32>,
    /// Parameters that only this list has.
    pub parameters: Vec<(String, String)>,
}

/// A list, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// The server, where one was named.
    server: Option<Url>,
    /// Path below the API root, with a slash in front.
    pub(crate) path: String,
    pub(crate) asked: Asked,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let refuse = |why: &str| Err(error::no_list(text, why));
        if text.contains('#') {
            return refuse("# ends a URL, so write it as %23, or give the conditions with --conditions");
        }
        let (place, query) = text.split_once('?').unwrap_or((text, ""));
        let lower = place.to_ascii_lowercase();
        // What stands before the API root names a server, with or without its scheme, or only the codebase.
        let root = lower.find(ROOT).filter(|at| *at == 0 || lower[..*at].ends_with('/'));
        let (before, path) = root.map_or(("", place), |at| (&place[..at], &place[at + ROOT.len()..]));
        let server = if lower.contains("://") {
            Some(before)
        } else {
            let first = before.split('/').find(|part| !part.is_empty());
            first.filter(|part| part.contains(['.', ':'])).map(|_| before)
        };
        let server = match server {
            None => None,
            Some("") => return refuse("a URL of the API has /apis/3.0/ and the list behind it"),
            Some(server) => {
                let whole = if server.contains("://") { server.to_owned() } else { format!("https://{server}") };
                let Ok(url) = Url::parse(&whole) else { return refuse("it has no readable host") };
                if !url.username().is_empty() || url.password().is_some() {
                    // Not shown again: what stands there may be a secret.
                    return Err(error::credentials_in_address());
                }
                Some(url)
            }
        };
        let path = path.trim_matches('/');
        if path.is_empty() {
            return refuse("name one below the API root, for example service/tickets");
        }
        let mut path = format!("/{path}");
        // Nobody types the slash that the interface document has at the end of a few paths, and a server may insist on it.
        if entity_of(&path).is_some_and(|entity| entity.path.ends_with('/')) {
            path.push('/');
        }
        Ok(Self { server, path, asked: Asked::parse(query)? })
    }

    /// Whether the list is one of the server at `base`, the configured one: credentials are for no other.
    pub(crate) fn check(&self, base: &str) -> Result<()> {
        let Some(server) = &self.server else { return Ok(()) };
        let host = |url: &Url| (url.host_str().map(str::to_ascii_lowercase), url.port_or_known_default());
        let unread = |why| Error::internal("a client was made for a server whose URL can't be read").with_source(why);
        let base = Url::parse(base).map_err(unread)?;
        if host(&base) == host(server) {
            return Ok(());
        }
        let name = |url: &Url| match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            // A URL such as `file:///a` has no host.
            (host, _) => host.unwrap_or("").to_owned(),
        };
        Err(error::other_server(&name(server), &name(&base)))
    }
}

impl Asked {
    /// Reads a query as a server would: percent-encoded, with `+` for a blank.
    fn parse(query: &str) -> Result<Self> {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if value.contains('\u{fffd}')
                && !query.to_ascii_lowercase().contains("%ef%bf%bd")
                && !query.contains('\u{fffd}')
            {
                return Err(error::undecodable_parameter(&name));
            }
            let value = value.into_owned();
            let place = match name.to_ascii_lowercase().as_str() {
                "conditions" => &mut asked.conditions,
                "childconditions" => &mut asked.child_conditions,
                "customfieldconditions" => &mut asked.custom_field_conditions,
                "fields" => &mut asked.fields,
                "orderby" => &mut asked.order_by,
                "pagesize" => {
                    let size = value.trim().parse().ok().filter(|size| (1..=MAX_PAGE_SIZE).contains(size));
                    asked.page_size = Some(size.ok_or_else(|| error::page_size(&value, MAX_PAGE_SIZE))?);
                    continue;
                }
                "page" | "pageid" => {
                    return Err(error::chosen_page(&name));
                }
                "clientid" => {
                    return Err(error::client_id_in_address());
                }
                lower => {
                    let Some(known) = OF_SOME.iter().find(|known| known.eq_ignore_ascii_case(lower)) else {
                        let names = OF_ALL.iter().chain(&OF_SOME).copied();
                        let advice =
                            advice(&name, names, "the API's lists have conditions, fields, orderBy and the like");
                        return Err(error::unknown_parameter(&name, &advice));
                    };
                    asked.parameters.push(((*known).to_owned(), value));
                    continue;
                }
            };
            if place.is_some() {
                return Err(error::repeated_parameter(&name));
            }
            *place = Some(value).filter(|value| !value.trim().is_empty());
        }
        Ok(asked)
    }

    /// What is asked for behind the path, and by flags as well: conditions hold together, and of the others there can be one.
    pub(crate) fn and(self, flags: Self) -> Result<Self> {
        let both = |left: Option<String>, right: Option<String>| match (left, right) {
            (Some(left), Some(right)) => Some(format!("({left}) and ({right})")),
            (left, right) => left.or(right),
        };
        let one = |name: &str, left: Option<String>, right: Option<String>| match (left, right) {
            (Some(left), Some(right)) if left.trim() != right.trim() => {
                Err(error::contradicted_parameter(name, &left, &right))
            }
            (left, right) => Ok(left.or(right)),
        };
        Ok(Self {
            conditions: both(self.conditions, flags.conditions),
            child_conditions: both(self.child_conditions, flags.child_conditions),
            custom_field_conditions: both(self.custom_field_conditions, flags.custom_field_conditions),
            fields: one("list of fields", self.fields, flags.fields)?,
            order_by: one("order", self.order_by, flags.order_by)?,
            page_size: self.page_size.or(flags.page_size),
            parameters: [self.parameters, flags.parameters].concat(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://api-na.myconnectwise.net/v4_6_release/apis/3.0";

    fn path(text: &str) -> String {
        let address = Address::parse(text).unwrap();
        address.check(BASE).unwrap();
        address.path
    }

    fn refused(text: &str) -> String {
        let error = match Address::parse(text) {
            Ok(address) => address.check(BASE).unwrap_err(),
            Err(error) => error,
        };
        assert!(error.is_usage());
        error.report()
    }

    #[test]
    fn a_list_is_known_however_it_is_pasted() {
        for text in [
            "service/tickets",
            "/service/tickets",
            " /service/tickets/ ",
            "//service/tickets",
            "https://api-na.myconnectwise.net/v4_6_release/apis/3.0/service/tickets",
            "https://API-NA.myconnectwise.net:443/v2025_1/apis/3.0//service/tickets",
            "api-na.myconnectwise.net/v4_6_release/apis/3.0/service/tickets",
            "/v4_6_release/apis/3.0/service/tickets",
            "apis/3.0/service/tickets",
        ] {
            assert_eq!(path(text), "/service/tickets", "{text}");
        }
        assert_eq!(path("service/boards/12/statuses"), "/service/boards/12/statuses");
    }

    #[test]
    fn a_path_that_the_document_ends_with_a_slash_is_asked_with_it() {
        for text in ["procurement/subcategories", "/procurement/SubCategories/"] {
            let path = Address::parse(text).unwrap().path;
            assert!(path.eq_ignore_ascii_case("/procurement/subcategories/"), "{path}");
        }
    }

    #[test]
    fn what_is_no_list_of_this_server_is_one_sentence() {
        let other = refused("https://evil.example/v4_6_release/apis/3.0/service/tickets");
        assert!(other.contains("evil.example") && other.contains("api-na.myconnectwise.net"), "{other}");
        assert!(refused("https://api-na.myconnectwise.net:8443/x/apis/3.0/a").contains(":8443"));
        assert!(refused("https://api-na.myconnectwise.net/service/tickets").contains("/apis/3.0/"));
        let secret = refused("https://acme+key:geheim@api-na.myconnectwise.net/v4_6_release/apis/3.0/a");
        assert!(!secret.contains("geheim"), "{secret}");
        for text in ["", "/", "https://api-na.myconnectwise.net/v4_6_release/apis/3.0/", "service/tickets#x"] {
            assert!(refused(text).contains("is no list"), "{text}");
        }
    }

    #[test]
    fn a_query_is_decoded_as_a_server_would() {
        let asked = |query: &str| Address::parse(&format!("service/tickets?{query}")).unwrap().asked;
        let conditions = |query: &str| asked(query).conditions.unwrap();
        assert_eq!(conditions("conditions=id%20%3E%205%20and%20name%3D%22A%26B%22"), "id > 5 and name=\"A&B\"");
        assert_eq!(
            conditions("Conditions=LastUpdated+%3e%3d+%5b2025-04-01T20%3a02%3a28Z%5d"),
            "LastUpdated >= [2025-04-01T20:02:28Z]"
        );
        assert_eq!(conditions("conditions=id > 5 and summary like \"50%\""), "id > 5 and summary like \"50%\"");
        let all = asked(
            "conditions=id=1&childConditions=a=1&customfieldconditions=b=2&orderBy=id desc&fields=id,name&pageSize=50&recordType=Ticket",
        );
        assert_eq!(
            all,
            Asked {
                conditions: Some("id=1".to_owned()),
                child_conditions: Some("a=1".to_owned()),
                custom_field_conditions: Some("b=2".to_owned()),
                fields: Some("id,name".to_owned()),
                order_by: Some("id desc".to_owned()),
                page_size: Some(50),
                parameters: vec![("recordType".to_owned(), "Ticket".to_owned())],
            }
        );
        assert_eq!(asked("conditions="), Asked::default());
    }

    #[test]
    fn no_parameter_is_dropped() {
        assert!(refused("a?condition=id=1").contains("conditions"));
        assert!(refused("a?conditions=name=\"A & B\"").contains("no list has the parameter"));
        assert!(refused("a?page=2").contains("--limit"));
        assert!(refused("a?pageSize=5000").contains("1 to 1000"));
        assert!(refused("a?clientId=x").contains("CW_CLIENTID"));
        assert!(refused("a?conditions=id=1&conditions=id=2").contains("twice"));
        assert!(refused("a?conditions=%ff").contains("UTF-8"));
    }

    #[test]
    fn flags_and_query_hold_together() {
        let with = |conditions: &str, order: Option<&str>| Asked {
            conditions: Some(conditions.to_owned()),
            order_by: order.map(str::to_owned),
            ..Asked::default()
        };
        let both = with("a = 1 or b = 2", None).and(with("c = 3", Some("id"))).unwrap();
        assert_eq!(both.conditions.as_deref(), Some("(a = 1 or b = 2) and (c = 3)"));
        assert_eq!(both.order_by.as_deref(), Some("id"));
        assert!(with("a = 1", Some("id")).and(with("b = 2", Some("name"))).is_err());
    }
}
