//! Whether the role may show a part of the rows only. That can't be proven from outside: a role limited to "My" answers with
//! fewer rows and no error. But where every one of many rows belongs to one person, that is worth a look.

use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Kind};
use connectwise_sdk::conditions::field;
use serde_json::Value;

use super::{Examination, Finding, Verdict};
use crate::read::dates::found;

/// Rows from which on it is odd that they all belong to one member.
const MANY: u64 = 10;

/// References that say whose a record is.
const OWNERS: [&str; 5] = ["member", "assignTo", "manager", "primarySalesRep", "owner"];

pub(super) async fn check(client: &Client, entities: &[&'static Entity], examination: &mut Examination) {
    const CHECK: &str = "all rows";
    let mut looked = 0;
    let mut one_sided = Vec::new();
    for finding in &examination.entities {
        let Some(entity) = entities.iter().find(|entity| entity.name == finding.entity) else { continue };
        if entity.name == "Member" && finding.rows == Some(1) {
            one_sided.push("Member (one row)".to_owned());
        }
        let (Some(owner), true) = (owner(entity), finding.rows.is_some_and(|rows| rows >= MANY)) else { continue };
        match only_one(client, entity, owner).await {
            Ok(Some(true)) => one_sided.push(format!("{} ({owner})", entity.name)),
            Ok(Some(false)) => looked += 1,
            // Not every property can be asked for; then nothing is said.
            Ok(None) | Err(_) => {}
        }
    }
    examination.checks.push(match (looked, one_sided.as_slice()) {
        (0, []) => Finding::new(CHECK, Verdict::Unknown, "there are too few rows to tell whether some are hidden"),
        (_, []) => Finding::new(CHECK, Verdict::Good, "rows belong to several members; rows may be hidden by location all the same"),
        (_, names) => Finding::new(
            CHECK,
            Verdict::Doubt,
            format!("all rows that the role sees belong to one member: {}", names.join(", ")),
        )
        .advice(
            "a role limited to \"My\" hides the others without an error: ask the PSA administrator whether every right of the \
             API member's role is Inquire = All, and compare the counts below with a screen of the PSA",
        ),
    });
}

/// The reference that says whose a record is.
fn owner(entity: &Entity) -> Option<&'static str> {
    OWNERS.into_iter().find(|owner| {
        let is_reference =
            |kind: Kind| matches!(kind, Kind::Struct(inner) if inner.iter().any(|column| column.name == "id"));
        entity.columns.iter().any(|column| column.name == *owner && is_reference(column.kind))
    })
}

/// Whether no record belongs to another member than one of them; `None` where none of the first has any.
async fn only_one(client: &Client, entity: &Entity, owner: &'static str) -> connectwise_sdk::Result<Option<bool>> {
    let request = client
        .request(connectwise_sdk::Method::Get, entity.path)
        .largest_answer(crate::read::FEW_RECORDS)
        .query("pageSize", "5")
        .query("fields", format!("{},{owner}/id", entity.key));
    let records = request.send().await?.json::<Vec<Value>>()?;
    let member = records.iter().find_map(|record| record.get(owner)?.get("id")?.as_i64());
    let Some(member) = member else { return Ok(None) };
    let id = field(format!("{owner}/id"));
    // Not `!=`: it may or may not find rows without any.
    found(client, entity, &(id.lt(member) | id.gt(member))).await.map(|others| Some(!others))
}
