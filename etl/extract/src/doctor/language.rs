//! How the server reads what conditions are made of: dates and quoted text.

use connectwise_sdk::Client;
use connectwise_sdk::catalog::{Entity, Kind, Load, Meaning};
use connectwise_sdk::conditions::{Condition, field};
use serde_json::Value;

use super::{Examination, Finding, Verdict};
use crate::read::dates::{self, found};
use crate::read::{DateForm, FEW_RECORDS, Reading, Window};

pub(super) async fn check(client: &Client, entities: &[&'static Entity], examination: &mut Examination) {
    let dates = dates(client, entities, examination).await;
    examination.checks.push(dates);
    let quotes = quotes(client, entities, examination).await;
    examination.checks.push(quotes);
}

/// Dates around the change of a known record.
async fn dates(client: &Client, entities: &[&'static Entity], examination: &mut Examination) -> Finding {
    const CHECK: &str = "dates";
    let known = examination.entities.iter().find_map(|finding| {
        let entity = entities.iter().find(|entity| entity.name == finding.entity)?;
        match entity.load {
            Load::Incremental { watermark, .. } => Some((*entity, watermark, finding.newest?)),
            _ => None,
        }
    });
    let Some((entity, path, newest)) = known else {
        return Finding::new(CHECK, Verdict::Unknown, "there is no record with a change time to ask for");
    };
    match dates::reading(client, entity, path, newest).await {
        Err(error) => Finding::new(CHECK, Verdict::Unknown, error.to_string()),
        Ok(Reading::Exact(DateForm::Utc)) => {
            Finding::new(CHECK, Verdict::Good, "[2026-01-31T00:00:00Z] means what it says")
        }
        Ok(Reading::Exact(DateForm::Naive)) => {
            Finding::new(CHECK, Verdict::Doubt, "only dates without a zone are found, [2026-01-31T00:00:00]")
                .advice("nothing to do: every incremental run finds this out and writes them so")
        }
        Ok(Reading::Early(_)) => {
            Finding::new(CHECK, Verdict::Doubt, "dates in conditions are taken as earlier than written")
                .advice("nothing to do: incremental runs read more than they need, and miss nothing")
        }
        Ok(Reading::Late(_, late)) => {
            let minutes = late.num_minutes();
            let overlap = minutes + Window::default().overlap.num_minutes();
            examination.settings.push(format!("overlap_minutes = {overlap}"));
            Finding::new(CHECK, Verdict::Doubt, format!("dates are taken as {minutes} minutes later than written")).advice(
                format!(
                    "every incremental run measures this and goes back so much further; overlap_minutes = {overlap} under \
                     [source] makes it sure even when the server changes its mind within a run"
                ),
            )
        }
        Ok(Reading::Unusable) => {
            Finding::new(CHECK, Verdict::Bad, "no date in a condition finds a record that is there")
                .advice("incremental runs read all of every list, which is right and slow: report this to the vendor")
        }
    }
}

/// Text in quotes, asked for with the text of a known record.
async fn quotes(client: &Client, entities: &[&'static Entity], examination: &Examination) -> Finding {
    const CHECK: &str = "quotes";
    for finding in examination.entities.iter().filter(|finding| finding.rows.is_some_and(|rows| rows > 0)) {
        let Some(entity) = entities.iter().find(|entity| entity.name == finding.entity) else { continue };
        let Ok(Some((key, column, text))) = sample(client, entity).await else { continue };
        let asked = async |quoted: String| {
            let condition = field(entity.key).eq(key) & Condition::raw(format!("{column} = {quoted}"));
            match found(client, entity, &condition).await {
                // A text that isn't understood finds nothing.
                Err(error) if error.status() == Some(400) => Ok(false),
                found => found,
            }
        };
        let double = asked(format!("\"{text}\"")).await;
        let single = asked(format!("'{text}'")).await;
        let understood = match (double, single) {
            (Ok(double), Ok(single)) => [double, single],
            (Err(error), _) | (_, Err(error)) => return Finding::new(CHECK, Verdict::Unknown, error.to_string()),
        };
        return match understood {
            [true, true] => Finding::new(CHECK, Verdict::Good, "text in \"double\" and in 'single' quotes is found"),
            [true, false] => Finding::new(CHECK, Verdict::Doubt, "only text in \"double\" quotes is found")
                .advice("conditions of your own can't hold a text with a double quote in it; loads need none"),
            [false, true] => Finding::new(CHECK, Verdict::Doubt, "only text in 'single' quotes is found")
                .advice("write conditions of your own with single quotes; loads need no text"),
            [false, false] => {
                Finding::new(CHECK, Verdict::Unknown, format!("{column} of {} isn't found by its text", entity.name))
            }
        };
    }
    Finding::new(CHECK, Verdict::Unknown, "there is no record with a plain text to ask for")
}

/// A record's key and one of its texts that needs no escaping.
pub(super) async fn sample(
    client: &Client,
    entity: &Entity,
) -> connectwise_sdk::Result<Option<(i64, &'static str, String)>> {
    let columns = entity.columns.iter().filter(|column| {
        column.kind == Kind::Utf8
            && column.meaning == Meaning::Plain
            && ["name", "identifier", "summary"].contains(&column.name)
    });
    let names: Vec<&'static str> = columns.map(|column| column.name).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let request = client
        .request(connectwise_sdk::Method::Get, entity.path)
        .largest_answer(FEW_RECORDS)
        .query("pageSize", "5")
        .query("fields", format!("{},{}", entity.key, names.join(",")));
    let records = request.send().await?.json::<Vec<Value>>()?;
    Ok(records.iter().find_map(|record| {
        let key = record.get(entity.key)?.as_i64()?;
        names.iter().find_map(|name| {
            let text = record.get(*name)?.as_str()?;
            let plain = !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-');
            plain.then(|| (key, *name, text.to_owned()))
        })
    }))
}
