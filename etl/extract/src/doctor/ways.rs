//! What servers do in different ways. No load depends on any of it; conditions and lists of fields that people write may, so that
//! each says which way this server goes.

use connectwise_sdk::catalog::{Entity, Kind};
use connectwise_sdk::conditions::{Condition, field};
use connectwise_sdk::{Client, Method, Result};

use super::language::sample;
use super::{Access, Examination, Finding, Verdict};
use crate::read::dates::found;
use crate::read::{self, FEW_RECORDS};

/// Enumerations that many tenants have, each with one of its values: the catalogue doesn't tell them from other texts.
const ENUMERATIONS: [(&str, &str, &str); 5] = [
    ("TimeEntry", "billableOption", "Billable"),
    ("ExpenseEntry", "billableOption", "Billable"),
    ("ProductItem", "billableOption", "Billable"),
    ("Agreement", "agreementStatus", "Active"),
    ("Invoice", "type", "Standard"),
];

/// A property that no entity has.
const NO_PROPERTY: &str = "noSuchProperty";

pub(super) async fn check(client: &Client, entities: &[&'static Entity], examination: &mut Examination) {
    let readable: Vec<(&'static Entity, Option<u64>)> = examination
        .entities
        .iter()
        .filter(|finding| finding.access == Access::Readable)
        .filter_map(|finding| {
            let entity = entities.iter().find(|entity| entity.name == finding.entity)?;
            entity.parent().is_none().then_some((*entity, finding.rows))
        })
        .collect();
    let Some((first, _)) = readable.iter().find(|(_, rows)| rows.is_some_and(|rows| rows > 0)) else { return };
    let names: Vec<&'static Entity> = readable.iter().map(|(entity, _)| *entity).collect();
    let checks = &mut examination.checks;
    checks.push(null_references(client, &names).await);
    checks.push(enumerations(client, &names).await);
    checks.push(wildcards(client, &names).await);
    checks.push(fields(client, first).await);
    checks.extend(project_tickets(client, &readable).await);
    checks.push(addresses(client, first).await);
    checks.push(routing(client).await);
}

/// `None` where the server refuses the condition as one that it doesn't understand.
async fn understood(client: &Client, entity: &Entity, condition: &Condition) -> Result<Option<bool>> {
    match found(client, entity, condition).await {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.status() == Some(400) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `invoice = null`
async fn null_references(client: &Client, entities: &[&'static Entity]) -> Finding {
    const CHECK: &str = "null";
    let is_reference =
        |kind: Kind| matches!(kind, Kind::Struct(inner) if inner.iter().any(|column| column.name == "id"));
    let reference = entities.iter().find_map(|entity| {
        let column = entity.columns.iter().find(|column| column.name != "_info" && is_reference(column.kind))?;
        Some((*entity, column.name))
    });
    let Some((entity, name)) = reference else {
        return Finding::new(CHECK, Verdict::Unknown, "there is no list whose records refer to others");
    };
    match understood(client, entity, &field(name).is_null()).await {
        Err(error) => Finding::new(CHECK, Verdict::Unknown, error.to_string()),
        Ok(Some(_)) => Finding::new(CHECK, Verdict::Good, "references can be compared with null, and so can their ids"),
        Ok(None) => {
            Finding::new(CHECK, Verdict::Good, format!("{name} = null is refused: conditions say {name}/id = null"))
        }
    }
}

/// `billableOption like "Billable*"` and `billableOption != "Billable"`
async fn enumerations(client: &Client, entities: &[&'static Entity]) -> Finding {
    const CHECK: &str = "enumerations";
    let known = ENUMERATIONS.into_iter().find_map(|(name, column, value)| {
        let entity = entities.iter().find(|entity| entity.name == name)?;
        Some((*entity, column, value))
    });
    let Some((entity, column, value)) = known else {
        return Finding::new(CHECK, Verdict::Unknown, "there is no list with an enumeration that can be asked for");
    };
    let like = understood(client, entity, &field(column).like(format!("{value}*"))).await;
    let other = understood(client, entity, &field(column).ne(value)).await;
    let told = match (like, other) {
        (Err(error), _) | (_, Err(error)) => return Finding::new(CHECK, Verdict::Unknown, error.to_string()),
        (Ok(Some(_)), Ok(Some(_))) => format!("{column} is compared like any text"),
        (Ok(None), Ok(Some(_))) => format!("{column} like is refused: conditions name whole values"),
        (Ok(_), Ok(None)) => format!("{column} is compared by = and in only, and not by != and like"),
    };
    Finding::new(CHECK, Verdict::Good, told)
}

/// `name like "R%"`, asked for with the text of a known record and a letter that it doesn't have.
async fn wildcards(client: &Client, entities: &[&'static Entity]) -> Finding {
    const CHECK: &str = "wildcards";
    for entity in entities {
        let Ok(Some((key, column, text))) = sample(client, entity).await else { continue };
        let asked = async |pattern: String| {
            let condition = field(entity.key).eq(key) & Condition::raw(format!("{column} like \"{pattern}\""));
            understood(client, entity, &condition).await
        };
        let (star, per_cent, other) = match (
            asked(format!("{text}*")).await,
            asked(format!("{text}%")).await,
            asked(format!("{text}~%")).await,
        ) {
            (Ok(star), Ok(per_cent), Ok(other)) => (star, per_cent, other),
            (Err(error), _, _) | (_, Err(error), _) | (_, _, Err(error)) => {
                return Finding::new(CHECK, Verdict::Unknown, error.to_string());
            }
        };
        return match (star, per_cent, other) {
            (_, _, Some(true)) => {
                let found = "a comparison with % in it is left out without a word, so that all records pass";
                Finding::new(CHECK, Verdict::Doubt, found).advice("write * for any text in conditions of your own")
            }
            (Some(true), Some(true), _) => Finding::new(CHECK, Verdict::Good, "* and % stand for any text"),
            (Some(true), _, _) => Finding::new(CHECK, Verdict::Good, "* stands for any text, and % doesn't"),
            _ => Finding::new(CHECK, Verdict::Doubt, format!("{column} of {} isn't found by a pattern", entity.name))
                .advice("compare whole texts in conditions of your own"),
        };
    }
    Finding::new(CHECK, Verdict::Unknown, "there is no record with a plain text to ask for")
}

/// `fields=id,noSuchProperty`
async fn fields(client: &Client, entity: &Entity) -> Finding {
    const CHECK: &str = "fields";
    let names = format!("{},{NO_PROPERTY}", entity.key);
    let request = client.request(Method::Get, entity.path).query("pageSize", "1").query("fields", names);
    match request.largest_answer(FEW_RECORDS).send().await {
        Ok(_) => Finding::new(CHECK, Verdict::Good, "a name in fields that isn't there is left out without a word"),
        Err(error) if error.status() == Some(400) => {
            Finding::new(CHECK, Verdict::Good, "a name in fields that isn't there is refused")
        }
        Err(error) => Finding::new(CHECK, Verdict::Unknown, error.to_string()),
    }
}

/// Whether the list of service tickets holds those of projects, and says so. The notes and tasks of service tickets are loaded for
/// those that it calls service tickets.
async fn project_tickets(client: &Client, readable: &[(&'static Entity, Option<u64>)]) -> Option<Finding> {
    const CHECK: &str = "project tickets";
    let (entity, rows) = readable.iter().find(|(entity, _)| entity.name == "ServiceTicket")?;
    let rows = (*rows).filter(|rows| *rows > 0)?;
    let counted = async |sort: &str| {
        let condition = field("recordType").eq(sort).to_string();
        read::count(client, entity, Some(&condition)).await.map(|count| count.records)
    };
    Some(match (counted("ServiceTicket").await, counted("ProjectTicket").await) {
        (Err(error), _) | (_, Err(error)) => Finding::new(CHECK, Verdict::Unknown, error.to_string()),
        (Ok(Some(0)), Ok(Some(0))) => {
            let found = format!("none of {rows} tickets is found by its recordType");
            Finding::new(CHECK, Verdict::Doubt, found).advice(
                "notes and tasks of service tickets are loaded for none: ask the vendor why recordType is empty",
            )
        }
        (Ok(Some(service)), Ok(Some(project))) if service + project >= rows => {
            let found = if project > 0 {
                "the list of service tickets holds them, and says so"
            } else {
                "they have a list of their own"
            };
            Finding::new(CHECK, Verdict::Good, found)
        }
        (Ok(Some(_)), Ok(Some(_))) => Finding::new(
            CHECK,
            Verdict::Good,
            "the list of service tickets holds some that recordType doesn't find: what the other list has is a project's",
        ),
        (Ok(_), Ok(_)) => Finding::new(CHECK, Verdict::Unknown, "the server doesn't count them"),
    })
}

/// How the server writes the address of a next page. What it names is taken from it, and nothing else.
async fn addresses(client: &Client, entity: &Entity) -> Finding {
    const CHECK: &str = "addresses";
    let request = client.request(Method::Get, entity.path).query("pageSize", "1").query("fields", entity.key);
    let response = match request.largest_answer(FEW_RECORDS).send().await {
        Ok(response) => response,
        Err(error) => return Finding::new(CHECK, Verdict::Unknown, error.to_string()),
    };
    match response.header("link").filter(|link| !link.is_empty()) {
        None => Finding::new(CHECK, Verdict::Unknown, format!("{} has one page, so that none is named", entity.name)),
        Some(link) if has_double_slash(link) => {
            Finding::new(CHECK, Verdict::Good, "addresses of pages have double slashes, which don't matter")
        }
        Some(_) => Finding::new(CHECK, Verdict::Good, "addresses of pages have the usual form"),
    }
}

/// Whether the first address of a `Link` header has two slashes within its path.
fn has_double_slash(link: &str) -> bool {
    let address = link.split_once('>').map_or(link, |(address, _)| address);
    address.split_once("://").is_some_and(|(_, rest)| rest.contains("//"))
}

/// What is said of a path that leads nowhere: the API's root twice.
async fn routing(client: &Client) -> Finding {
    const CHECK: &str = "routing";
    match client.request(Method::Get, "/apis/3.0/system/info").send().await {
        Err(error) if error.is_unroutable() => {
            Finding::new(CHECK, Verdict::Good, "a gateway answers for addresses that lead nowhere, in plain text")
        }
        Err(error) if error.is_not_found() => {
            Finding::new(CHECK, Verdict::Good, "the server itself answers for addresses that lead nowhere")
        }
        Err(error) => Finding::new(CHECK, Verdict::Unknown, error.to_string()),
        Ok(response) => {
            let found = format!("an address that leads nowhere is answered with {}", response.status());
            Finding::new(CHECK, Verdict::Doubt, found)
                .advice("look at CW_BASE_URL: something that isn't the API may answer for it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enumerations_are_columns_of_entities() {
        for (name, column, _) in ENUMERATIONS {
            let entity = crate::catalog::entity(name).unwrap_or_else(|error| panic!("{error}"));
            assert!(entity.columns.iter().any(|known| known.name == column), "{name}/{column}");
        }
    }

    #[test]
    fn two_slashes_are_those_of_one_address() {
        let link =
            |path: &str| format!("<https://a.example{path}?page=2>; rel=\"next\", <https://a.example/b>; rel=\"last\"");
        assert!(has_double_slash(&link("/apis/3.0//time/entries/")));
        assert!(!has_double_slash(&link("/apis/3.0/time/entries/")));
        assert!(!has_double_slash(""));
    }

    #[test]
    fn no_entity_has_the_property_that_none_has() {
        let named = |entity: &&Entity| entity.columns.iter().any(|column| column.name == NO_PROPERTY);
        assert_eq!(crate::catalog::entities().iter().find(|entity| named(entity)).map(|entity| entity.name), None);
    }
}
