//! Where each column of a gold table comes from, read off the plan of its model.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use connectwise_lakehouse::Lake;
use connectwise_sdk::catalog::Entity;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};

use super::config::GoldConfig;
use super::model::{BATCH_ID, Model, ModelKind, PROCESSED_AT};
use super::{in_model, lookups, model, own};
use crate::error::Result;
use crate::ledger;
use crate::sql;

/// A column of a table, as `(table, column)`.
pub type Origin = (String, String);

/// What the values of a gold table's columns are computed from, in the order of the table's columns: columns of silver
/// tables, of gold tables whose key is looked up, and of the small tables that configuration gives (`agreement_type_rules`).
/// What rows are joined or filtered by is not among them. Days come from the days that rows are on, and what says when and by
/// which run a row was written from the ledger's runs. `None` when there is no such table.
///
/// The models are planned over empty tables: no lakehouse is read.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) for a configuration that can't work.
pub async fn lineage(
    lake: &Lake,
    config: &GoldConfig,
    entities: &[Entity],
    table: &str,
) -> Result<Option<Vec<(String, BTreeSet<Origin>)>>> {
    let models = model::all(config)?;
    let Some(wanted) = models.iter().position(|model| model.is_table() && model.name == table) else { return Ok(None) };
    let session = own::empty_tables(lake, entities, config).await?;
    let mut known = KnownOrigins::default();
    known.add("agreement_numbers", &["agreementId", "number"], "silver_cw_agreement", &["id", "customFields"]);
    known.add("company_types", &["companyId", "companyType"], "silver_cw_company", &["id", "types"]);
    let mut found = None;
    for model in models.iter().take(wanted + 1) {
        let (schema, origins) = if model.kind == ModelKind::Calendar {
            (model.schema.clone(), known.of_days(model))
        } else {
            let frame = sql::select(&session, &model.sql).await.map_err(|error| in_model(model, error))?;
            let plan = frame.logical_plan();
            let names = plan.schema().fields().iter().enumerate();
            let origins = names.map(|(at, field)| (field.name().clone(), known.of(plan, at))).collect();
            (if model.is_table() { model.schema.clone() } else { plan.schema().inner().clone() }, origins)
        };
        if model.is_table() {
            found = Some(columns(model, &origins));
        } else {
            known.0.insert(model.name.clone(), origins);
        }
        lookups::register(&session, &model.name, RecordBatch::new_empty(schema))?;
    }
    Ok(found)
}

/// The columns of a table in its order; the surrogate key stands for the natural one.
fn columns(model: &Model, origins: &BTreeMap<String, BTreeSet<Origin>>) -> Vec<(String, BTreeSet<Origin>)> {
    let of = |name: &str| origins.get(name).cloned().unwrap_or_default();
    let run = |column: &str| BTreeSet::from([(ledger::RUNS.to_owned(), column.to_owned())]);
    let column = |name: &String| match name.as_str() {
        PROCESSED_AT => run("started"),
        BATCH_ID => run("runId"),
        _ if *name == model.key && !origins.contains_key(name) => of(&model.natural),
        _ => of(name),
    };
    model.schema.fields().iter().map(|field| (field.name().clone(), column(field.name()))).collect()
}

/// Tables that are read through: their columns are other tables' columns.
#[derive(Default)]
struct KnownOrigins(BTreeMap<String, BTreeMap<String, BTreeSet<Origin>>>);

impl KnownOrigins {
    fn add(&mut self, table: &str, columns: &[&str], source: &str, properties: &[&str]) {
        let origin = |property: &&str| BTreeSet::from([(source.to_owned(), (*property).to_owned())]);
        let columns = columns.iter().zip(properties).map(|(column, property)| ((*column).to_owned(), origin(property)));
        self.0.insert(table.to_owned(), columns.collect());
    }

    /// The columns of the calendar, which no SELECT gives: a day is made of the days that rows are on, and counts the rows.
    fn of_days(&self, model: &Model) -> BTreeMap<String, BTreeSet<Origin>> {
        let uses = self.0.get("day_uses");
        let of = |name: &str| uses.and_then(|columns| columns.get(name)).cloned().unwrap_or_default();
        // All days are in use.
        let names = model.schema.fields().iter().map(|field| field.name()).filter(|name| *name != "IsActive");
        names.map(|name| (name.clone(), of(if name == "usage_count" { "uses" } else { "usedOn" }))).collect()
    }

    /// What the column at a place of a plan's output is computed from.
    fn of(&self, plan: &LogicalPlan, at: usize) -> BTreeSet<Origin> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let column = scan.projected_schema.field(at).name().clone();
                let table = scan.table_name.table();
                match self.0.get(table) {
                    Some(columns) => columns.get(&column).cloned().unwrap_or_default(),
                    None => BTreeSet::from([(table.to_owned(), column)]),
                }
            }
            LogicalPlan::Projection(projection) => self.expression(projection.expr.get(at), &projection.input),
            LogicalPlan::Aggregate(aggregate) => {
                self.expression(aggregate.group_expr.iter().chain(&aggregate.aggr_expr).nth(at), &aggregate.input)
            }
            LogicalPlan::Window(window) => match at.checked_sub(window.input.schema().fields().len()) {
                Some(beyond) => self.expression(window.window_expr.get(beyond), &window.input),
                None => self.of(&window.input, at),
            },
            LogicalPlan::Join(join) => {
                let left = match join.join_type {
                    JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => 0,
                    _ => join.left.schema().fields().len(),
                };
                match at.checked_sub(left) {
                    None => self.of(&join.left, at),
                    Some(beyond) if beyond < join.right.schema().fields().len() => self.of(&join.right, beyond),
                    Some(_) => BTreeSet::new(),
                }
            }
            LogicalPlan::Distinct(Distinct::On(on)) => self.expression(on.select_expr.get(at), &on.input),
            // The others hand on the columns of their inputs as they are.
            other => {
                let inputs = other.inputs();
                let inputs = inputs.iter().filter(|input| at < input.schema().fields().len());
                inputs.flat_map(|input| self.of(input, at)).collect()
            }
        }
    }

    fn expression(&self, expression: Option<&Expr>, input: &LogicalPlan) -> BTreeSet<Origin> {
        let mut found = BTreeSet::new();
        let Some(expression) = expression else { return found };
        // A column of the query around a subquery is none of its input's, and read where that query reads it.
        let read = |column: &Column| input.schema().index_of_column(column).ok().map(|at| self.of(input, at));
        found.extend(expression.column_refs().into_iter().filter_map(read).flatten());
        // The walk only collects, so it can't fail.
        expression
            .apply(|part| {
                if let Expr::ScalarSubquery(query) = part {
                    found.extend(self.of(&query.subquery, 0));
                }
                Ok(TreeNodeRecursion::Continue)
            })
            .ok();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn of(table: &str, column: &str) -> Vec<String> {
        let folder = std::env::temp_dir();
        let lake = Lake::open(folder.to_str().unwrap()).unwrap();
        let all = lineage(&lake, &GoldConfig::default(), connectwise_extract::catalog::entities(), table)
            .await
            .unwrap()
            .unwrap();
        let (_, origins) = all.into_iter().find(|(name, _)| name == column).unwrap();
        origins.into_iter().map(|(table, column)| format!("{table}.{column}")).collect()
    }

    #[tokio::test]
    async fn columns_are_followed_through_views_joins_and_expressions() {
        assert_eq!(of("fact_timeentry", "timeEntryId").await, ["silver_cw_timeentry.id"]);
        assert_eq!(of("fact_timeentry", "CompanyKey").await, ["dimcompany.CompanyKey"]);
        assert_eq!(of("dimcompany", "CompanyKey").await, of("dimcompany", "companyId").await);
        let types = of("dimcompany", "companyType").await;
        assert!(types.contains(&"silver_cw_company.types".to_owned()), "{types:?}");
        let quantity = of("fact_invoiceline", "quantity").await;
        assert!(quantity.contains(&"silver_cw_timeentry.actualHours".to_owned()), "{quantity:?}");
        assert!(quantity.contains(&"silver_cw_productitem.quantity".to_owned()), "{quantity:?}");
        assert!(!quantity.iter().any(|origin| origin.ends_with(".price")), "{quantity:?}");
    }

    #[tokio::test]
    async fn days_come_from_the_days_of_rows_and_of_their_invoices() {
        let days = of("dimdate", "fiscalYear").await;
        for origin in [
            "silver_cw_timeentry.timeStart",
            "silver_cw_expenseentry.date",
            "silver_cw_productitem.purchaseDate",
            "silver_cw_invoice.date",
            "silver_cw_timeentry.invoiceInvoiceDate",
        ] {
            assert!(days.contains(&origin.to_owned()), "{days:?} lacks {origin}");
        }
        assert_eq!(of("dimdate", "DateKey").await, days);
        let counted = ["expenseentry", "productitem", "timeentry"].map(|table| format!("silver_cw_{table}.isDeleted"));
        assert_eq!(of("dimdate", "usage_count").await, counted);
    }

    #[tokio::test]
    async fn when_and_by_what_a_row_was_written_is_in_the_ledger() {
        for table in ["fact_timeentry", "dimcompany", "dimdate"] {
            assert_eq!(of(table, "_etl_gold_processed_at").await, ["etl_runs.started"], "{table}");
            assert_eq!(of(table, "_etl_batch_id").await, ["etl_runs.runId"], "{table}");
        }
    }

    #[tokio::test]
    async fn only_constants_come_from_nowhere() {
        let lake = Lake::open(std::env::temp_dir().to_str().unwrap()).unwrap();
        let mut nowhere = Vec::new();
        for table in super::super::tables().unwrap().into_iter().filter(|table| table.starts_with("fact_")) {
            let found =
                lineage(&lake, &GoldConfig::default(), connectwise_extract::catalog::entities(), table).await.unwrap();
            let found = found.unwrap_or_default().into_iter();
            // The name of the table that a row is from stands in the model.
            let found = found.filter(|(column, origins)| origins.is_empty() && column != super::super::model::SOURCE);
            nowhere.extend(found.map(|(column, _)| format!("{table}.{column}")));
        }
        // An expense is one thing at no cost, and a line says which kind of row it is.
        let constants = ["fact_expenseentry.quantity", "fact_expenseentry.totalCost", "fact_invoiceline.lineSource"];
        // A ticket's entries are counted as rows, and so is what happened to tickets on a day.
        let counts = ["opened", "closed", "reopened", "backlogChange"].map(|name| format!("fact_backlog.{name}"));
        let counts = std::iter::once("fact_ticket.entryCount".to_owned()).chain(counts);
        // How many months a billing cycle of some name lasts is written down, and so is which kind of row recurs.
        let cycles = ["fact_agreementaddition.cycleMonths", "fact_mrr.recurringSource", "fact_mrr.cycleMonths"];
        let known = constants.map(str::to_owned).into_iter().chain(counts).chain(cycles.map(str::to_owned));
        // The entries of projects and time sheets are counted as rows, too.
        let known = known.chain(["fact_project", "fact_timesheet"].map(|fact| format!("{fact}.entryCount")));
        assert_eq!(nowhere, known.collect::<Vec<_>>());
    }
}
