//! Lists that hang on records: whether one of them can be read, and whether many can be asked for in one bundle.

use connectwise_sdk::catalog::{Entity, Parent};
use connectwise_sdk::{BundledList, Client, Method, Result};
use serde_json::Value;

use super::{Examination, Finding, Verdict};
use crate::catalog;
use crate::read::FEW_RECORDS;

/// Whether the list below one record can be read; `false` where there is no record to ask with.
///
/// # Errors
/// As the server refuses it, or the list of records on which it hangs.
pub(super) async fn probe(client: &Client, entity: &Entity, parent: &Parent) -> Result<bool> {
    let Some(id) = one(client, parent).await? else { return Ok(false) };
    let path = entity.path.replace("{parentId}", &id.to_string());
    let one = client.request(Method::Get, &path).query("pageSize", "1").query("fields", entity.key);
    one.largest_answer(FEW_RECORDS).send().await?;
    Ok(true)
}

/// The id of a record that has such a list.
async fn one(client: &Client, parent: &Parent) -> Result<Option<i64>> {
    let Ok(above) = catalog::entity(parent.entity) else { return Ok(None) };
    let mut request = client.request(Method::Get, above.path).query("pageSize", "1").query("fields", above.key);
    if let Some(conditions) = parent.conditions {
        request = request.query("conditions", conditions);
    }
    let records = request.largest_answer(FEW_RECORDS).send().await?.json::<Vec<Value>>()?;
    Ok(records.first().and_then(|record| record.get(above.key)?.as_i64()))
}

/// Asks for one list in a bundle, of the first entity that has any.
pub(super) async fn check(client: &Client, entities: &[&'static Entity], examination: &mut Examination) {
    const CHECK: &str = "bundles";
    for (entity, parent) in entities.iter().filter_map(|entity| Some((entity, entity.parent()?))) {
        let Ok(Some(id)) = one(client, parent).await else { continue };
        let list = BundledList::new(parent.bundle, id).page_size(1);
        let answered = client.bundle(vec![list]).await.and_then(|bundle| {
            let answers = bundle.answers()?;
            Ok(answers.iter().any(|(_, answer)| answer.as_ref().is_some_and(|answer| answer.success)))
        });
        let advice = "nothing has to be done: such lists are then read one by one, which takes a request or two for each record \
                      they hang on; leave them out with --entities where that is too slow";
        examination.checks.push(match answered {
            Ok(true) => Finding::new(CHECK, Verdict::Good, "a hundred lists below records can be asked for at once"),
            Ok(false) => {
                let found = format!("bundles work, but their answer for {} is none", entity.name);
                Finding::new(CHECK, Verdict::Doubt, found).advice(advice)
            }
            Err(error) => Finding::new(CHECK, Verdict::Doubt, error.to_string()).advice(advice),
        });
        return;
    }
    if entities.iter().any(|entity| entity.parent().is_some()) {
        examination.checks.push(Finding::new(CHECK, Verdict::Unknown, "there is no record with a list below it"));
    }
}
