//! Rights and rows of every entity.

use connectwise_sdk::catalog::{Entity, Load};
use connectwise_sdk::{Client, Error, Method};
use futures::stream::{self, StreamExt};
use serde::Serialize;

use super::below;
use super::role::{self, Right};
use super::{Examination, Finding, Verdict};
use crate::progress::Progress;
use crate::read;

/// The name of the check that says whether all lists can be read.
pub(super) const RIGHTS: &str = "rights";

/// Entities that are asked about at once; the client's limiter keeps the pace.
const AT_ONCE: usize = 8;

/// Whether a list can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "access", content = "error")]
pub enum Access {
    /// It can.
    Readable,
    /// It hangs on the records of another list, of which there is none to ask with.
    Parents,
    /// 403: the role lacks a right.
    Forbidden,
    /// 404: on cloud hosts also the answer to a lacking right.
    NotFound,
    /// Anything else.
    Failed(String),
}

/// What was found about an entity.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EntityFinding {
    /// Name of the entity.
    pub entity: &'static str,
    /// Its list path.
    pub path: &'static str,
    /// Whether it can be read.
    #[serde(flatten)]
    pub access: Access,
    /// Rows that the role sees; `None` where the server doesn't tell, as of lists that hang on records.
    pub rows: Option<u64>,
    /// Whether records carry the change time that incremental runs need; `None` where they need none, or there is no record.
    pub change_time: Option<bool>,
    /// The right that opens it.
    pub right: Option<Right>,
    /// The newest record, for other checks.
    #[serde(skip)]
    pub(super) newest: Option<read::Known>,
    /// The server's time when it gave that.
    #[serde(skip)]
    pub(super) clock: Option<read::ServerClock>,
}

impl EntityFinding {
    /// Whether a right is lacking, as far as can be told.
    pub fn lacks(&self) -> bool {
        matches!(self.access, Access::Forbidden | Access::NotFound)
    }
}

/// Asks about all entities, several at once.
pub(super) async fn check(
    client: &Client,
    entities: &[&'static Entity],
    progress: &dyn Progress,
) -> Vec<EntityFinding> {
    let found = stream::iter(entities.to_vec()).map(|entity| async move {
        let found = one(client, entity).await;
        progress.done(entity.name);
        found
    });
    found.buffered(AT_ONCE).collect().await
}

async fn one(client: &Client, entity: &'static Entity) -> EntityFinding {
    let right = role::of(entity.path);
    let mut finding = EntityFinding {
        entity: entity.name,
        path: entity.path,
        access: Access::Readable,
        rows: None,
        change_time: None,
        right,
        newest: None,
        clock: None,
    };
    if let Some(parent) = entity.parent() {
        match below::probe(client, entity, parent).await {
            Ok(true) => {}
            Ok(false) => finding.access = Access::Parents,
            Err(error) => finding.access = refused(&error),
        }
        return finding;
    }
    match rows(client, entity).await {
        Ok(rows) => finding.rows = rows,
        Err(error) => finding.access = refused(&error),
    }
    if finding.access == Access::Readable && matches!(entity.load, Load::Incremental { .. }) && finding.rows != Some(0)
    {
        match read::newest(client, entity).await {
            Ok(newest) => {
                finding.change_time = Some(newest.known.is_some());
                finding.newest = newest.known;
                finding.clock = newest.clock;
            }
            Err(error) => finding.access = Access::Failed(error.report()),
        }
    }
    finding
}

/// Rows that the role sees. Where the server can't count, the number of the last page tells, of pages that hold one record.
async fn rows(client: &Client, entity: &Entity) -> connectwise_sdk::Result<Option<u64>> {
    if let Some(rows) = read::count(client, entity, None).await?.records {
        return Ok(Some(rows));
    }
    let one = client.request(Method::Get, entity.path).query("pageSize", "1").query("fields", entity.key);
    let response = one.query("page", "1").largest_answer(read::FEW_RECORDS).send().await?;
    if response.json::<Vec<serde_json::Value>>()?.is_empty() {
        return Ok(Some(0));
    }
    Ok(response.header("link").and_then(last_page))
}

/// The number of the page that a `Link` header calls the last.
fn last_page(link: &str) -> Option<u64> {
    let last = link.split(',').find(|part| part.contains("rel=\"last\""))?;
    let (_, query) = last.split_once('<')?.1.split_once('>')?.0.split_once('?')?;
    query
        .split('&')
        .find_map(|pair| pair.split_once('=').filter(|(name, _)| name.eq_ignore_ascii_case("page")))?
        .1
        .parse()
        .ok()
}

fn refused(error: &Error) -> Access {
    match () {
        () if error.is_forbidden() => Access::Forbidden,
        () if error.is_not_found() => Access::NotFound,
        () => Access::Failed(error.to_string()),
    }
}

/// Says in two checks what the table says line by line.
pub(super) fn sum_up(examination: &mut Examination) {
    let entities = &examination.entities;
    let names = |wanted: &dyn Fn(&EntityFinding) -> bool| {
        entities.iter().filter(|finding| wanted(finding)).map(|finding| finding.entity).collect::<Vec<_>>()
    };
    let shut = names(&|finding| finding.lacks());
    let failed = names(&|finding| matches!(finding.access, Access::Failed(_)));
    let checks = &mut examination.checks;
    checks.push(match (shut.as_slice(), failed.as_slice()) {
        ([], []) => Finding::new(RIGHTS, Verdict::Good, format!("all {} lists can be read", entities.len())),
        ([], failed) => Finding::new(RIGHTS, Verdict::Bad, format!("the server fails on {}", failed.join(", ")))
            .advice("the table below says how; run doctor again, and report to the vendor what stays"),
        (shut, _) => Finding::new(RIGHTS, Verdict::Bad, format!("the role may not read {}", shut.join(", ")))
            .advice("ask the PSA administrator for the rights below, or say with optional that they may be missing: doctor --write-config"),
    });
    let blind = names(&|finding| finding.change_time == Some(false));
    let seeing = names(&|finding| finding.change_time == Some(true));
    checks.push(match (blind.as_slice(), seeing.as_slice()) {
        ([], []) => Finding::new("_info", Verdict::Unknown, "there is no record to look at"),
        ([], _) => Finding::new("_info", Verdict::Good, "records show when they were last changed"),
        (blind, _) => Finding::new(
            "_info",
            Verdict::Bad,
            format!("no change time on {}: incremental runs read all of them every time", blind.join(", ")),
        )
        .advice("the role hides _info: ask the PSA administrator for System: Member Maintenance, Inquire = All"),
    });
}

#[cfg(test)]
mod tests {
    use super::last_page;

    #[test]
    fn the_last_page_is_told_among_others() {
        let link = r#"<https://h/v/x?pageSize=1&page=2>; rel="next", <https://h/v/x?pageSize=1&page=41>; rel="last""#;
        assert_eq!(last_page(link), Some(41));
        assert_eq!(last_page(r#"<https://h/v/x/?page=7&pagesize=1>; rel="last""#), Some(7));
        assert_eq!(last_page(r#"<https://h/v/x?pageSize=1&page=2>; rel="next""#), None);
        assert_eq!(last_page("nonsense"), None);
    }
}
