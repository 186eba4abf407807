//! Where each column of a gold table comes from, read off the plan of its model.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::RecordBatch;
use connectwise_sdk::catalog::Entity;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, JoinType};
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan};

use super::config::GoldConfig;
use super::model::{Model, ModelKind, is_technical};
use super::{in_model, lookups, model, own};
use crate::error::Result;
use crate::lake::Lake;

/// A column of a table, as `(table, column)`.
pub type Origin = (String, String);

/// What the values of a gold table's columns are computed from, in the order of the table's columns: columns of silver
/// tables, of gold tables whose key is looked up, and of the small tables that configuration gives (`agreement_type_rules`).
/// What rows are joined or filtered by is not among them. `None` when there is no such table.
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
    let mut known = Known::default();
    known.add("agreement_numbers", &["agreementId", "number"], "silver_cw_agreement", &["id", "customFields"]);
    known.add("company_types", &["companyId", "companyType"], "silver_cw_company", &["id", "types"]);
    let mut found = None;
    for model in models.iter().take(wanted + 1) {
        let (schema, origins) = if model.kind == ModelKind::Calendar {
            (model.schema.clone(), BTreeMap::new())
        } else {
            let frame = session.sql(&model.sql).await.map_err(|error| in_model(model, error))?;
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
    let names = model.schema.fields().iter().map(|field| field.name()).filter(|name| !is_technical(name));
    names
        .map(|name| {
            (name.clone(), of(if *name == model.key && !origins.contains_key(name) { &model.natural } else { name }))
        })
        .collect()
}

/// Tables that are read through: their columns are other tables' columns.
#[derive(Default)]
struct Known(BTreeMap<String, BTreeMap<String, BTreeSet<Origin>>>);

impl Known {
    fn add(&mut self, table: &str, columns: &[&str], source: &str, properties: &[&str]) {
        let origin = |property: &&str| BTreeSet::from([(source.to_owned(), (*property).to_owned())]);
        let columns = columns.iter().zip(properties).map(|(column, property)| ((*column).to_owned(), origin(property)));
        self.0.insert(table.to_owned(), columns.collect());
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
        let all = lineage(&lake, &GoldConfig::default(), crate::catalog::entities(), table).await.unwrap().unwrap();
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
    async fn only_constants_come_from_nowhere() {
        let lake = Lake::open(std::env::temp_dir().to_str().unwrap()).unwrap();
        let mut nowhere = Vec::new();
        for table in super::super::tables().into_iter().filter(|table| table.starts_with("fact_")) {
            let found = lineage(&lake, &GoldConfig::default(), crate::catalog::entities(), table).await.unwrap();
            let found = found.unwrap_or_default().into_iter().filter(|(_, origins)| origins.is_empty());
            nowhere.extend(found.map(|(column, _)| format!("{table}.{column}")));
        }
        // An expense is one thing at no cost, and a line says which kind of row it is.
        assert_eq!(
            nowhere,
            ["fact_expenseentry.quantity", "fact_expenseentry.totalCost", "fact_invoiceline.lineSource"]
        );
    }
}
