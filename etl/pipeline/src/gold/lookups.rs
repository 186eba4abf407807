//! Small tables that SQL alone can't make: what is configured, classified agreement types, and values out of JSON texts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Date32Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Int64Type};
use chrono::NaiveDate;
use datafusion::catalog::MemTable;
use datafusion::prelude::SessionContext;
use serde_json::Value;

use super::calendar;
use super::config::{Classifier, GoldConfig};
use super::failed;
use super::keys::text;
use crate::error::{Error, Result};

/// The small tables that models can read.
pub(super) const NAMES: [&str; 6] =
    ["agreement_classification", "agreement_type_rules", "agreement_numbers", "company_types", "run_day", "time_off"];

/// Entities that a small table is made from.
pub(super) fn inputs_of(name: &str) -> &'static [&'static str] {
    match name {
        "agreement_type_rules" => &[
            "agreement",
            "agreementtype",
            "timeentry",
            "expenseentry",
            "productitem",
            "invoice",
            "serviceticket",
            "projectticket",
        ],
        "agreement_numbers" => &["agreement"],
        "company_types" => &["company"],
        _ => &[],
    }
}

/// Registers every small table that the models read, from the silver tables of the session and what is kept of them.
pub(super) async fn register_all(
    session: &SessionContext,
    rules: Option<&Classifier>,
    config: &GoldConfig,
    today: NaiveDate,
) -> Result<()> {
    let by_name = Arc::new(BooleanArray::from(vec![rules.is_some()])) as ArrayRef;
    register(session, "agreement_classification", batch([("byName", by_name)])?)?;
    agreement_type_rules(session, rules).await?;
    agreement_numbers(session, config).await?;
    company_types(session).await?;
    time_off(session, config)?;
    run_day(session, config, today)
}

/// Registers `agreement_type_rules`: each type name that occurs and a rule matches, with what the rule says of it.
async fn agreement_type_rules(session: &SessionContext, rules: Option<&Classifier>) -> Result<()> {
    let names = "select typeName as n from silver_cw_agreement union select name from silver_cw_agreementtype \
         union select typeName from agreementtype_names";
    let mut columns: [Vec<String>; 3] = Default::default();
    for batch in session.sql(names).await.map_err(failed)?.collect().await.map_err(failed)? {
        for name in text(batch.column(0))?.iter().flatten() {
            if let Some((normalized, behavior)) = rules.and_then(|rules| rules.classify(name)) {
                for (column, text) in columns.iter_mut().zip([name, normalized, behavior]) {
                    column.push(text.to_owned());
                }
            }
        }
    }
    let [names, normalized, behavior] = columns.map(|texts| Arc::new(StringArray::from(texts)) as ArrayRef);
    let columns =
        [("typeName", names), ("agreement_type_normalized", normalized), ("agreement_billing_behavior", behavior)];
    register(session, "agreement_type_rules", batch(columns)?)
}

/// Agreements whose type no rule matches or, without rules, of which nothing says how they are billed, by type name.
pub(super) async fn unmatched(session: &SessionContext, rules: Option<&Classifier>) -> Result<BTreeMap<String, u64>> {
    let mut unmatched = BTreeMap::new();
    let silent = match rules {
        Some(_) => "",
        None if session.table_exist("agreement_statements").map_err(failed)? => {
            "left anti join agreement_statements s on s.agreementId = a.id"
        }
        // A view that could not be built, which the report says.
        None => return Ok(unmatched),
    };
    let names = format!(
        "select coalesce(a.typeName, '') as n, count(*) as c from silver_cw_agreement a {silent} \
         where not a.isDeleted group by a.typeName"
    );
    for batch in session.sql(&names).await.map_err(failed)?.collect().await.map_err(failed)? {
        let counts = batch.column(1).as_primitive::<Int64Type>();
        // The query gives neither NULL as a name nor as a count.
        for (name, count) in text(batch.column(0))?.iter().zip(counts).filter_map(|(name, count)| name.zip(count)) {
            if rules.is_none_or(|rules| rules.classify(name).is_none()) {
                *unmatched.entry(name.to_owned()).or_default() += count.cast_unsigned();
            }
        }
    }
    Ok(unmatched)
}

/// Registers `agreement_numbers`: agreements with the value of the custom field that holds their number.
async fn agreement_numbers(session: &SessionContext, config: &GoldConfig) -> Result<()> {
    let caption = config.agreement_number_caption.as_deref();
    let rows = from_json(session, "silver_cw_agreement", "customFields", |fields| number(fields, caption)).await?;
    register(session, "agreement_numbers", batch([("agreementId", ids(&rows)), ("number", texts(rows))])?)
}

/// What is wrong with the configured caption, if no agreement has a custom field that is called so: agreements then have no
/// number.
pub(super) async fn missing_caption(session: &SessionContext, config: &GoldConfig) -> Result<Option<String>> {
    let Some(wanted) = config.agreement_number_caption.as_deref() else { return Ok(None) };
    let mut captions: BTreeSet<String> = BTreeSet::new();
    from_json(session, "silver_cw_agreement", "customFields", |fields| {
        let found = fields.iter().filter_map(|field| field.get("caption")?.as_str());
        captions.extend(found.map(|caption| caption.trim().to_owned()));
        None
    })
    .await?;
    if captions.is_empty() || captions.iter().any(|caption| same_caption(caption, wanted)) {
        return Ok(None);
    }
    let known: Vec<String> = captions.iter().map(|caption| format!("{caption:?}")).collect();
    Ok(Some(format!(
        "no agreement has a custom field {wanted:?}, so that no agreement has a number: set agreement_number_caption under \
         [gold] to one of {}",
        known.join(", ")
    )))
}

fn same_caption(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Registers `company_types`: companies with the names of their types.
async fn company_types(session: &SessionContext) -> Result<()> {
    let rows = from_json(session, "silver_cw_company", "types", |types| {
        let names: Vec<&str> = types.iter().filter_map(|one| one.get("name")?.as_str()).map(str::trim).collect();
        (!names.is_empty()).then(|| names.join(", "))
    })
    .await?;
    register(session, "company_types", batch([("companyId", ids(&rows)), ("companyType", texts(rows))])?)
}

/// Registers `run_day`: the day of the business on which the run started, for what depends on it, and the last day on which a
/// change leaves an open ticket stale by then.
fn run_day(session: &SessionContext, config: &GoldConfig, today: NaiveDate) -> Result<()> {
    let stale_on = calendar::before_business_days(config, today, config.stale_ticket_business_days);
    let day = |day| Arc::new(Date32Array::from(vec![calendar::since_epoch(day)])) as ArrayRef;
    register(session, "run_day", batch([("asOf", day(today)), ("staleOn", day(stale_on))])?)
}

/// Registers `time_off`: the work types, by their names in lower case, and the charge codes whose hours are time off.
fn time_off(session: &SessionContext, config: &GoldConfig) -> Result<()> {
    let names: BTreeSet<String> = config.time_off.iter().map(|name| name.trim().to_lowercase()).collect();
    let codes: BTreeSet<i32> = config.time_off_charge_codes.iter().copied().collect();
    let work_types = names.iter().map(Some).chain(codes.iter().map(|_| None)).collect::<StringArray>();
    let charge_codes = names.iter().map(|_| None).chain(codes.iter().copied().map(Some)).collect::<Int32Array>();
    let columns =
        [("workType", Arc::new(work_types) as ArrayRef), ("chargeCodeId", Arc::new(charge_codes) as ArrayRef)];
    register(session, "time_off", batch(columns)?)
}

/// The number among custom fields: the field with the caption, else the first that has a value.
fn number(fields: &[Value], caption: Option<&str>) -> Option<String> {
    let captioned = |field: &&Value| {
        let own = || field.get("caption").and_then(Value::as_str);
        caption.is_none_or(|caption| own().is_some_and(|own| same_caption(own, caption)))
    };
    fields.iter().filter(captioned).find_map(|field| match field.get("value")? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// Ids of a silver table with what a function finds in an array that is stored as JSON text.
async fn from_json(
    session: &SessionContext,
    table: &str,
    column: &str,
    mut find: impl FnMut(&[Value]) -> Option<String>,
) -> Result<Vec<(i32, String)>> {
    let query = format!("select id, `{column}` from {table} where `{column}` is not null order by id asc nulls last");
    let mut rows = Vec::new();
    for batch in session.sql(&query).await.map_err(failed)?.collect().await.map_err(failed)? {
        let ids = batch.column(0).as_primitive::<Int32Type>();
        for (id, text) in ids.iter().zip(&text(batch.column(1))?) {
            // The text is our own; what is no array holds no value.
            let values: Vec<Value> = text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            if let (Some(id), Some(found)) = (id, find(&values)) {
                rows.push((id, found));
            }
        }
    }
    Ok(rows)
}

fn ids(rows: &[(i32, String)]) -> ArrayRef {
    Arc::new(rows.iter().map(|(id, _)| Some(*id)).collect::<Int32Array>())
}

fn texts(rows: Vec<(i32, String)>) -> ArrayRef {
    Arc::new(rows.into_iter().map(|(_, text)| Some(text)).collect::<StringArray>())
}

fn batch<const N: usize>(columns: [(&str, ArrayRef); N]) -> Result<RecordBatch> {
    RecordBatch::try_from_iter(columns).map_err(|error| Error::unbuilt_lookup().with_source(error))
}

/// Makes a batch readable under a name. Its size is known to the planner, which then holds it and streams the other side
/// of a join.
pub(super) fn register(session: &SessionContext, name: &str, batch: RecordBatch) -> Result<()> {
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(failed)?;
    session.deregister_table(name).map_err(failed)?;
    session.register_table(name, Arc::new(table)).map_err(failed)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_captioned_field_or_the_first_with_a_value() {
        let fields: Vec<Value> = serde_json::from_str(
            r#"[{"id":1,"caption":"Empty","value":" "},{"id":2,"caption":"Unset"},{"id":3,"caption":"S Number","value":" S-7 "},
                {"id":4,"caption":"Count","value":12}]"#,
        )
        .unwrap();
        assert_eq!(number(&fields, None).as_deref(), Some("S-7"));
        assert_eq!(number(&fields, Some(" count")).as_deref(), Some("12"));
        assert_eq!(number(&fields, Some("Unset")), None);
        assert_eq!(number(&fields, Some("Missing")), None);
        assert_eq!(number(&[], None), None);
    }
}
