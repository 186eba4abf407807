//! The rows of one built-in model over tables that somebody hands over, without a run: what the transforms of the Python package
//! compute.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_extract::closest::advice;
use connectwise_lakehouse::{Lake, TableName};
use connectwise_sdk::catalog::Entity;
use datafusion::prelude::{SessionContext, ident};

use super::config::GoldConfig;
use super::inputs::{contract_of, is_history, readable};
use super::model::{self, DAYS, Model, ModelKind};
use super::own::OwnModels;
use super::{aggregates, calendar, failed, functions, given, in_model, lookups, withheld, write};
use crate::error::{Error, Result};
use crate::sql;

/// What the lookups read of the models.
const TYPE_NAMES: &str = "agreementtype_names";
/// How often the facts name a member of a dimension, which nobody knows who was handed some of them.
const COUNT: &str = "usage_count";

/// The rows of a fact or a dimension, in the order of its key, from `tables`: batches under the names of silver tables, at least one of each
/// so that its columns are known.
///
/// Of a table that is handed over the columns are cast to the types of its contract; those that it lacks are NULL, unless rows
/// would be wrong for it and nobody would notice. A silver table that isn't handed over is the one of `lake`, and empty without a
/// lakehouse or where it has none.
///
/// A fact has the keys of dimensions from `lake` (-1 for a member that it doesn't have), and without it lacks these columns: a key means
/// something in its lakehouse only. Keys of days are there, whose numbers are the days. A dimension lacks its own key, `usage_count`
/// and the row of the unknown member. `_etl_` columns say which run wrote a row, and none did.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) for a name that is no fact, dimension or silver table, for tables that lack columns or have
/// values of other types, one sentence that names table and column, and where `lake` lacks a dimension.
/// [`Kind::Sql`](crate::error::Kind::Sql) when the SELECT can't be computed.
pub async fn select(
    name: &str,
    tables: &BTreeMap<String, Vec<RecordBatch>>,
    config: &GoldConfig,
    at: DateTime<Utc>,
    lake: Option<&Lake>,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    config.check()?;
    let rules = config.classifier()?;
    let today = config.day_of(at)?;
    let models = model::all(&GoldConfig { models: OwnModels::default(), ..config.clone() })?;
    let model = selectable(&models, name)?;
    let session = lake.map_or_else(connectwise_lakehouse::session, Lake::session)?;
    functions::register(&session);

    // Type names and days of other tables than the model's are those of no row of it.
    let (before, _) = behind(&models, &[TYPE_NAMES, DAYS]);
    let (after, read) = behind(&models, &[&model.name]);
    let tables = Tables { given: tables, read: &read, model: &model.name };
    tables.register(&session, catalog::entities(), lake).await?;
    for model in &before {
        provide(&session, model).await?;
    }
    lookups::register_all(&session, rules.as_ref(), config, today).await?;
    for dimension in models.iter().filter(|other| read.contains(&other.name.to_lowercase())) {
        match dimension.kind {
            ModelKind::Calendar => {
                let used = calendar::used_days(&session, today).await?;
                lookups::register(&session, &dimension.name, calendar::rows(&dimension.schema, config, &used)?)?;
            }
            ModelKind::Dimension => keys(&session, dimension, lake).await?,
            _ => {}
        }
    }
    for model in after.iter().filter(|model| before.iter().all(|done| done.name != model.name)) {
        provide(&session, model).await?;
    }
    rows(&session, &models, model, lake.is_some()).await
}

/// Names of the facts and dimensions that have a SELECT.
fn selectables(models: &[Model]) -> impl Iterator<Item = &Model> {
    models.iter().filter(|model| matches!(model.kind, ModelKind::Fact | ModelKind::Dimension))
}

fn selectable<'a>(models: &'a [Model], name: &str) -> Result<&'a Model> {
    let found = selectables(models).find(|model| model.name == name);
    found.ok_or_else(|| {
        let names: Vec<&str> = selectables(models).map(|model| model.name.as_str()).collect();
        Error::unknown_model(name, &advice(name, names.iter().copied(), &format!("there are {}", names.join(", "))))
    })
}

/// The views, lookups and aggregates behind some models, these included where they are such, each after what it reads; and, in lower
/// case, the names of all tables that are read on the way. What a table is computed from isn't looked at.
fn behind<'a>(models: &'a [Model], first: &[&str]) -> (Vec<&'a Model>, BTreeSet<String>) {
    let mut read: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    for model in models.iter().rev() {
        let is_first = first.contains(&model.name.as_str());
        if is_first || (!model.is_table() && read.contains(&model.name.to_lowercase())) {
            // What its data tests read isn't needed.
            read.extend(sql::tables(&model.sql));
            found.extend((!model.is_table()).then_some(model));
        }
    }
    found.reverse();
    (found, read)
}

/// Makes a view, or a lookup that is computed once, readable under its name. An aggregate is one of all rows.
pub(super) async fn provide(session: &SessionContext, model: &Model) -> Result<()> {
    let frame = sql::select(session, &model.sql).await.map_err(|error| in_model(model, error))?;
    if model.kind == ModelKind::View {
        session.register_table(model.name.as_str(), frame.into_view()).map_err(failed)?;
        return Ok(());
    }
    let schema = aggregates::plain(frame.schema().inner());
    let batches = frame.collect().await.map_err(|error| in_model(model, error))?;
    let rows = batches.iter().map(|batch| aggregates::fitted(&schema, batch)).collect::<Result<Vec<_>>>()?;
    if model.kind == ModelKind::Aggregate {
        return aggregates::register(session, &model.name, &schema, &rows);
    }
    let batch = arrow::compute::concat_batches(&schema, &rows)
        .map_err(|error| Error::unheld_rows(&model.name).with_source(error))?;
    lookups::register(session, &model.name, batch)
}

/// The silver tables of a selection.
struct Tables<'a> {
    given: &'a BTreeMap<String, Vec<RecordBatch>>,
    /// Names of those that the model reads, and of others.
    read: &'a BTreeSet<String>,
    model: &'a str,
}

impl Tables<'_> {
    /// Makes every silver table readable: the one that is handed over, else that of the lakehouse, else an empty one.
    async fn register(&self, session: &SessionContext, entities: &[Entity], lake: Option<&Lake>) -> Result<()> {
        let mut known = BTreeSet::new();
        for input in readable(entities) {
            let Some(contract) = contract_of(entities, &input) else { continue };
            let table = TableName::silver(&input);
            let given = self.given.get(&table.name);
            if let Some(lake) = lake.filter(|_| given.is_none() && self.read.contains(&table.name)) {
                let opened = lake.table(&table).await?;
                if opened.register(session, &table.name).await? {
                    withheld::fill(session, &table, &contract).await?;
                    continue;
                }
            }
            let rows = match given {
                Some(batches) => {
                    let entity = entities.iter().find(|entity| entity.table == input && !is_history(&input));
                    let required = given::required(self.model, &table.name);
                    given::fitted(&table.name, &contract, entity.map(|entity| entity.key), required, batches)?
                }
                None => RecordBatch::new_empty(contract),
            };
            lookups::register(session, &table.name, rows)?;
            known.insert(table.name);
        }
        match self.given.keys().find(|name| !known.contains(*name)) {
            None => Ok(()),
            Some(name) => {
                let names = known.iter().map(String::as_str);
                Err(Error::unknown_table(name, &advice(name, names, "name a table as in silver: silver_cw_timeentry")))
            }
        }
    }
}

/// Makes the keys of a dimension readable: those of the lakehouse, and none without one.
async fn keys(session: &SessionContext, dimension: &Model, lake: Option<&Lake>) -> Result<()> {
    let Some(lake) = lake else {
        let columns = |field: &&Arc<Field>| [&dimension.key, &dimension.natural].contains(&field.name());
        let columns: Vec<_> = dimension.schema.fields().iter().filter(columns).cloned().collect();
        return lookups::register(session, &dimension.name, RecordBatch::new_empty(Arc::new(Schema::new(columns))));
    };
    let table = TableName::gold(&dimension.name);
    let is_there = lake.table(&table).await?.register(session, &dimension.name).await?;
    if is_there { Ok(()) } else { Err(Error::no_table_yet(&table)) }
}

/// The rows of the model, without the columns that mean nothing outside of a lakehouse.
async fn rows(
    session: &SessionContext,
    models: &[Model],
    model: &Model,
    has_keys: bool,
) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let is_key = |name: &str| models.iter().any(|other| other.kind == ModelKind::Dimension && other.key == name);
    let is_count = |name: &str| model.kind == ModelKind::Dimension && name == COUNT;
    let is_left_out = |name: &str| is_count(name) || (!has_keys && is_key(name));
    let fields: Vec<_> = model.selected().fields().iter().filter(|field| !is_left_out(field.name())).cloned().collect();
    let frame = sql::select(session, &model.sql).await.map_err(|error| in_model(model, error))?;
    let order = if model.kind == ModelKind::Dimension { &model.natural } else { &model.key };
    let frame = write::conform(model, frame)?.sort(vec![ident(order).sort(true, false)]).map_err(failed)?;
    let columns: Vec<_> = fields.iter().map(|field| ident(field.name())).collect();
    let frame = frame.select(columns).map_err(failed)?;
    let schema = Arc::new(Schema::new(fields));
    let computed = frame.collect().await.map_err(|error| in_model(model, error))?;
    let rows = computed.iter().map(|batch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()));
    let rows = rows.collect::<std::result::Result<_, _>>();
    Ok((schema.clone(), rows.map_err(|error| Error::uncontracted_rows(&model.name).with_source(error))?))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, BooleanArray, Float64Array, Int64Array, StringArray};
    use arrow::util::display::array_value_to_string;

    use super::*;

    fn config() -> GoldConfig {
        let rule =
            "[[agreement_rules]]\npattern = \"pottur\"\nnormalized = \"prepaid_hours\"\nbehavior = \"prepaid\"\n";
        toml::from_str(&format!("time_zone = \"Asia/Tokyo\"\n{rule}")).unwrap()
    }

    fn at() -> DateTime<Utc> {
        "2025-03-31T12:00:00Z".parse().unwrap()
    }

    fn ids<const N: usize>(ids: [i64; N]) -> ArrayRef {
        Arc::new(Int64Array::from(ids.to_vec()))
    }

    /// As pandas has integers that may be missing.
    fn numbers<const N: usize>(numbers: [f64; N]) -> ArrayRef {
        Arc::new(Float64Array::from(numbers.to_vec()))
    }

    fn texts<const N: usize>(texts: [&str; N]) -> ArrayRef {
        Arc::new(texts.into_iter().map(|text| Some(text).filter(|text| !text.is_empty())).collect::<StringArray>())
    }

    fn flags<const N: usize>(flags: [bool; N]) -> ArrayRef {
        Arc::new(BooleanArray::from(flags.to_vec()))
    }

    type Table = (&'static str, Vec<(&'static str, ArrayRef)>);

    async fn selected(model: &str, tables: Vec<Table>) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let batches =
            |(name, columns)| (format!("silver_cw_{name}"), vec![RecordBatch::try_from_iter(columns).unwrap()]);
        select(model, &tables.into_iter().map(batches).collect(), &config(), at(), None).await
    }

    /// The rows of some columns, with bars between their values and nothing for NULL.
    fn lines(rows: &[RecordBatch], columns: &[&str]) -> Vec<String> {
        let mut lines = Vec::new();
        for batch in rows {
            for row in 0..batch.num_rows() {
                let cell = |name: &&str| array_value_to_string(batch.column_by_name(name).unwrap(), row).unwrap();
                lines.push(columns.iter().map(cell).collect::<Vec<_>>().join("|"));
            }
        }
        lines
    }

    fn agreements() -> Table {
        let columns = vec![
            ("id", ids([7, 8])),
            ("name", texts(["Support", "Frame"])),
            ("typeId", ids([2, 3])),
            ("typeName", texts(["Tímapottur", "Hosting"])),
            ("parentAgreementId", numbers([8.0, f64::NAN])),
            ("companyId", ids([5, 5])),
            ("startDate", texts(["2024-01-15T00:00:00Z", "2023-06-01T00:00:00Z"])),
            ("endDate", texts(["", "2024-06-01T00:00:00Z"])),
            ("noEndingDateFlag", flags([true, false])),
            ("cancelledFlag", flags([false, false])),
            ("customFields", texts(["", r#"[{"id":1,"caption":"Number","value":"P-8"}]"#])),
        ];
        ("agreement", columns)
    }

    fn entries() -> Vec<(&'static str, ArrayRef)> {
        vec![
            ("id", ids([2, 1])),
            ("chargeToType", texts(["ServiceTicket", "ServiceTicket"])),
            ("chargeToId", ids([90, 91])),
            ("memberId", ids([4, 3])),
            ("memberName", texts(["Dora", "Carl"])),
            ("workTypeId", numbers([f64::NAN, 11.0])),
            ("workTypeName", texts(["", "Remote"])),
            ("workRoleId", numbers([f64::NAN, f64::NAN])),
            ("workRoleName", texts(["", ""])),
            ("timeStart", texts(["2025-03-01T23:30:00Z", "2025-02-28T09:00:00Z"])),
            ("actualHours", numbers([0.25, 1.5])),
            ("billableOption", texts(["NoCharge", "Billable"])),
            ("agreementId", numbers([f64::NAN, 7.0])),
            ("invoiceId", numbers([55.0, f64::NAN])),
            ("hourlyRate", numbers([f64::NAN, 100.0])),
            ("status", texts(["Billed", "Open"])),
        ]
    }

    #[tokio::test]
    async fn time_entries_are_priced_by_member_and_agreement() {
        let members = ("member", vec![("id", ids([3])), ("hourlyCost", numbers([40.0]))]);
        let tables = vec![("timeentry", entries()), agreements(), members];
        let (schema, rows) = selected("fact_timeentry", tables).await.unwrap();
        let columns = [
            "timeEntryId",
            "WorkDateSK",
            "potentialRevenue",
            "actualCost",
            "margin",
            "marginPercentage",
            "agreement_type_normalized",
            "agreement_billing_behavior",
            "parentAgreementId",
            "final_agreement_number",
            "effectiveBillingStatus",
            "utilizationStatus",
            "memberDailyCapacity",
            "isDeleted",
        ];
        let expected = [
            // 1.5 hours at 100, which cost 40 each: 150 - 60 = 90, and 90 of 150 are 60 %. The number is that of the parent.
            "1|20250228|150.0000|60.0000|90.0000|60.0000|prepaid_hours|prepaid|8|P-8|Prepaid|Billable - Open|8.0000|false",
            // 23:30 in UTC is 8:30 of the next day in Tokyo. No rate, so no revenue; no member with a cost, so none.
            "2|20250302||0.0000|||||||Invoiced|No Charge - Billed|8.0000|false",
        ];
        assert_eq!(lines(&rows, &columns), expected);
        // Without a lakehouse there are no keys but those of days.
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        assert_eq!((names[0], names[1]), ("TimeentrySK", "timeEntryId"));
        assert!(names.iter().all(|name| !name.ends_with("Key") && *name != "AgreementSK"), "{names:?}");
        assert!(names.iter().all(|name| !name.starts_with("_etl_")), "{names:?}");
    }

    #[tokio::test]
    async fn invoices_have_lines_for_work_products_and_the_rest() {
        let tables = vec![
            (
                "timeentry",
                vec![
                    ("id", ids([1, 2])),
                    ("agreementId", numbers([f64::NAN, f64::NAN])),
                    ("invoiceId", numbers([55.0, f64::NAN])),
                    ("billableOption", texts(["Billable", "Billable"])),
                    ("timeStart", texts(["2025-03-03T01:00:00Z", "2025-03-05T01:00:00Z"])),
                    ("actualHours", numbers([1.5, 0.5])),
                    ("hourlyRate", numbers([100.0, 80.0])),
                ],
            ),
            (
                "productitem",
                vec![
                    ("id", ids([9])),
                    ("agreementId", numbers([f64::NAN])),
                    ("invoiceId", ids([55])),
                    ("billableOption", texts(["Billable"])),
                    ("description", texts(["Cable"])),
                    ("quantity", numbers([2.0])),
                    ("price", numbers([15.0])),
                    ("cost", numbers([10.0])),
                    ("extPrice", numbers([30.0])),
                    ("extCost", numbers([20.0])),
                ],
            ),
            (
                "invoice",
                vec![
                    ("id", ids([55])),
                    ("date", texts(["2025-03-31T00:00:00Z"])),
                    ("companyId", ids([5])),
                    ("applyToType", texts(["Company"])),
                    ("applyToId", ids([5])),
                    ("total", numbers([200.0])),
                ],
            ),
        ];
        let (_, rows) = selected("fact_invoiceline", tables).await.unwrap();
        let columns = [
            "lineSource",
            "sourceId",
            "lineNumber",
            "LineType",
            "lineAmount",
            "lineCost",
            "margin",
            "isInvoiced",
            "InvoiceDateSK",
            "agingBucket",
        ];
        let mut lines = lines(&rows, &columns);
        lines.sort();
        let expected = [
            // 200 were billed, and 150 + 30 are told: 20 are left.
            "header|55|3|ADJUSTMENT|20.0000|0.0000|20.0000|true|20250331|",
            // The extended amounts of two cables.
            "product|9|2|PRODUCT|30.0000|20.0000|10.0000|true|20250331|",
            // 1.5 hours at 100; nobody says what they cost.
            "time|1|1|SERVICE|150.0000|0.0000|150.0000|true|20250331|",
            // Half an hour at 80 that is still to be billed, 26 days after 5 March.
            "time|2||SERVICE|40.0000|0.0000|40.0000|false|-1|1-30",
        ];
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn agreements_have_everything_but_what_others_say_of_them() {
        let (schema, rows) = selected("dimagreement", vec![agreements()]).await.unwrap();
        let columns = [
            "agreementId",
            "number",
            "startDate",
            "endDate",
            "isOpenEnded",
            "isActive",
            "ageInMonths",
            "durationDays",
            "agreementTypeNormalized",
            "billingBehavior",
            "EffectiveDate",
        ];
        let expected = [
            // January 2024 to March 2025 are 14 months. It has the number of its parent.
            "7|P-8|2024-01-15||true|true|14||prepaid_hours|prepaid|2024-01-15",
            // June 2023 to March 2025; from 1 June to 1 June over 29 February 2024 are 366 days. No rule matches its type.
            "8|P-8|2023-06-01|2024-06-01|false|false|21|366|other|unknown|2023-06-01",
        ];
        assert_eq!(lines(&rows, &columns), expected);
        assert!(schema.field_with_name("AgreementSK").is_err() && schema.field_with_name(COUNT).is_err());
    }

    #[tokio::test]
    async fn every_fact_and_dimension_has_its_columns_over_nothing() {
        let models = model::models().unwrap();
        let is_key = |name: &str| models.iter().any(|model| model.kind == ModelKind::Dimension && model.key == name);
        assert!(selectables(models).count() > 20);
        for model in selectables(models) {
            let (schema, _) = selected(&model.name, Vec::new()).await.unwrap();
            let selected = model.selected();
            let kept =
                selected.fields().iter().map(|field| field.name()).filter(|name| !is_key(name) && *name != COUNT);
            let found: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
            assert_eq!(found, kept.collect::<Vec<_>>(), "{}", model.name);
        }
    }

    #[tokio::test]
    async fn what_can_not_be_computed_is_one_sentence() {
        let said = async |model: &str, tables: Vec<Table>| {
            let error = selected(model, tables).await.unwrap_err();
            assert!(error.is_usage(), "{error:?}");
            error.to_string()
        };
        let without_rate: Vec<_> = entries().into_iter().filter(|(name, _)| *name != "hourlyRate").collect();
        assert_eq!(
            said("fact_timeentry", vec![("timeentry", without_rate)]).await,
            "silver_cw_timeentry lacks hourlyRate: its columns are named as in silver, agreementId for the API's agreement.id"
        );
        let model = said("fact_timentry", Vec::new()).await;
        assert!(
            model.starts_with("there is no fact or dimension \"fact_timentry\": did you mean fact_timeentry"),
            "{model}"
        );
        // The calendar is computed from what facts have in common, and a view is no table.
        for name in ["dimdate", "invoice_lines"] {
            assert!(said(name, Vec::new()).await.starts_with("there is no fact or dimension"), "{name}");
        }
        let table = said("fact_timeentry", vec![("timeentri", vec![("id", ids([1]))])]).await;
        assert!(
            table.starts_with("there is no table \"silver_cw_timeentri\": did you mean silver_cw_timeentry"),
            "{table}"
        );
    }
}
