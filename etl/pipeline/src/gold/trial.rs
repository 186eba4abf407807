//! The models of a user's project tried over empty tables, so that what can't work is known before anything is touched.

use std::collections::BTreeSet;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use connectwise_extract::catalog;
use connectwise_lakehouse::Lake;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::{DataFrame, SessionContext, ident};
use futures::TryStreamExt;

use super::config::GoldConfig;
use super::metadata::spelled;
use super::model::{self, Model};
use super::own::{OwnModels, empty_tables};
use super::{lookups, write};
use crate::error::{Error, Result, sql_error};
use crate::sql;

impl OwnModels {
    /// Plans each model over empty tables, and computes what doesn't depend on their rows.
    pub(super) async fn check(&self, lake: &Lake, config: &GoldConfig) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let models = of_interest(model::all(config)?);
        let session = empty_tables(lake, catalog::entities(), config).await?;
        let mut problems: Vec<String> = Vec::new();
        let mut broken: Vec<String> = Vec::new();
        for model in models {
            let follows = broken.iter().any(|name| model.reads(name));
            let schema = match tried(&session, &model).await {
                Ok(schema) => schema,
                Err(why) => {
                    // What reads a model that can't be planned can't be either.
                    if !follows {
                        problems.push(format!("{} can't work: {why}", self.file(&model.name)));
                    }
                    if !model.is_table() {
                        broken.push(model.name.clone());
                        continue;
                    }
                    model.schema.clone()
                }
            };
            lookups::register(&session, &model.name, RecordBatch::new_empty(schema))?;
            if let Err(error) = tests(&session, &model).await {
                let file = self.metadata_file();
                problems.push(format!("a SELECT of {} in {} can't work: {error}", model.name, file.display()));
            }
        }
        if problems.is_empty() { Ok(()) } else { Err(Error::own_models(&problems)) }
    }
}

/// The user's models, and the built-in models that they can read: all tables, whose columns their contracts give, and the views
/// and lookups that the user's models name, which have to be planned for their columns.
fn of_interest(models: Vec<Model>) -> Vec<Model> {
    let mut wanted = Vec::new();
    let mut named = BTreeSet::new();
    for model in models.into_iter().rev() {
        if model.own || model.is_table() || named.contains(&model.name.to_lowercase()) {
            if is_planned(&model) {
                named.extend(model.named());
            }
            wanted.push(model);
        }
    }
    wanted.reverse();
    wanted
}

/// Whether a model has to be planned for its columns: those of a built-in table are tested to be what its contract says.
fn is_planned(model: &Model) -> bool {
    model.own || !model.is_table()
}

/// The columns that a model gives.
async fn tried(session: &SessionContext, model: &Model) -> Result<SchemaRef, String> {
    if !is_planned(model) {
        return Ok(model.schema.clone());
    }
    let frame = sql::select(session, &model.sql).await.map_err(|error| error.to_string())?;
    let planned = frame.schema().inner().clone();
    if model.own {
        let plan = frame.logical_plan().clone();
        constants(session, &plan).await?;
    }
    if !model.is_table() {
        return Ok(planned);
    }
    let unfit = model.selected().fields().iter().find_map(|wanted| {
        // A column that is lacking is told below.
        let found = planned.field_with_name(wanted.name()).ok()?;
        let is_text = |of: &DataType| matches!(of, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
        (is_text(found.data_type()) && !is_text(wanted.data_type())).then(|| {
            let name = wanted.name();
            let wanted = spelled(wanted.data_type());
            format!("{name} is text where {wanted} is declared: cast it in the SELECT, or declare {name}:string")
        })
    });
    write::conform(model, frame).map_err(|error| error.report())?;
    unfit.filter(|_| model.own).map_or_else(|| Ok(model.schema.clone()), Err)
}

/// The SELECTs of a model's metadata. Those that read what only a build has are parsed and not planned.
async fn tests(session: &SessionContext, model: &Model) -> Result<()> {
    if !model.own {
        return Ok(());
    }
    for sql in model.tests.selects() {
        sql::select(session, sql).await?;
    }
    for rows in model.rows.values() {
        sql::parse(session, &format!("select 1 from f where {}", rows.only))?;
        rows.through.values().try_for_each(|sql| sql::parse(session, sql).map(|_| ()))?;
    }
    Ok(())
}

/// Computes every part of a plan that is the same for all rows: one that fails would fail in every build that has rows.
async fn constants(session: &SessionContext, plan: &LogicalPlan) -> Result<(), String> {
    let mut found = Vec::new();
    // The walk only collects, so it can't fail.
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if matches!(part, Expr::Literal(..) | Expr::Column(_)) {
                    return Ok(TreeNodeRecursion::Jump);
                }
                if is_constant(part) {
                    found.push(part.clone());
                    return Ok(TreeNodeRecursion::Jump);
                }
                // What a row decides on may never be computed.
                let conditional = match part {
                    Expr::Case(_) => true,
                    Expr::ScalarFunction(call) => call.func.short_circuits(),
                    _ => false,
                };
                Ok(if conditional { TreeNodeRecursion::Jump } else { TreeNodeRecursion::Continue })
            })
        })
    })
    .ok();
    for part in found {
        let text = part.to_string();
        let one = session.read_empty().and_then(|frame| frame.select(vec![part.alias("one")]));
        let computed = match one {
            Ok(frame) => frame.collect().await.map(|_| ()),
            Err(error) => Err(error),
        };
        computed.map_err(|error| format!("{text}: {}", sql_error(error)))?;
    }
    Ok(())
}

/// Whether an expression is the same for all rows.
fn is_constant(expression: &Expr) -> bool {
    let mut constant = true;
    // The walk only looks, so it can't fail.
    expression
        .apply(|part| {
            constant &= match part {
                Expr::Literal(..)
                | Expr::Cast(_)
                | Expr::TryCast(_)
                | Expr::BinaryExpr(_)
                | Expr::Negative(_)
                | Expr::Not(_)
                | Expr::Case(_) => true,
                Expr::ScalarFunction(call) => {
                    call.func.signature().volatility == datafusion::logical_expr::Volatility::Immutable
                }
                _ => false,
            };
            Ok(if constant { TreeNodeRecursion::Continue } else { TreeNodeRecursion::Stop })
        })
        .ok();
    constant
}

/// Names the columns in the error of a model that was ended by a value: one that can't be cast, is too large for its type or
/// can't be computed with. The error quotes the value.
pub(super) async fn explained(session: &SessionContext, model: &Model, error: Error) -> Error {
    if !error.is_of_value() {
        return error;
    }
    match culprits(session, model).await.as_slice() {
        [] => error,
        columns => error.in_columns(columns),
    }
}

/// The columns whose values make a model fail, where some do and others don't. The rows are computed again for it, column by
/// column, up to the first value that fails.
async fn culprits(session: &SessionContext, model: &Model) -> Vec<String> {
    let Ok(frame) = sql::select(session, &model.sql).await else { return Vec::new() };
    let Ok(frame) = (if model.is_table() { write::conform(model, frame) } else { Ok(frame) }) else {
        return Vec::new();
    };
    let names: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut failing = Vec::new();
    for name in &names {
        if fails(frame.clone(), name).await {
            failing.push(name.clone());
        }
    }
    // Where all fail, it is the rows and no column.
    if failing.len() < names.len() { failing } else { Vec::new() }
}

async fn fails(frame: DataFrame, column: &str) -> bool {
    let Ok(frame) = frame.select(vec![ident(column)]) else { return false };
    let Ok(rows) = frame.execute_stream().await else { return true };
    let read = rows.try_for_each(|_| std::future::ready(Ok(()))).await;
    read.is_err()
}
