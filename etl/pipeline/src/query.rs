//! Questions to the lakehouse, in SQL that can only read.

use std::sync::LazyLock;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use connectwise_extract::closest::advice;
use connectwise_lakehouse::{Lake, TableName};
use datafusion::common::ScalarValue;
use datafusion::prelude::{DataFrame, SessionContext};
use datafusion::sql::parser::Statement;
use futures::StreamExt;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{self, Receiver};

use crate::damage;
use crate::error::{Error, Result, sql_error};
use crate::gold;
use crate::sql;
pub use crate::sql::json;
use crate::tables::known_tables;

/// Batches that are computed before the first of them is taken.
const AHEAD: usize = 2;

/// Stack of a thread that plans and computes, which go down the trees of expressions.
const STACK: usize = 8 * 1024 * 1024;

/// Threads of their own for queries: one that computes for long without a row keeps its threads, and whoever asked has to hear
/// Ctrl-C meanwhile.
static THREADS: LazyLock<std::io::Result<Runtime>> =
    LazyLock::new(|| Builder::new_multi_thread().thread_name("query").thread_stack_size(STACK).enable_all().build());

/// Runs one SELECT over the lakehouse. Tables go by their own names: `silver_cw_timeentry`, `fact_timeentry`. There is always
/// a batch, if an empty one, so that the columns are known.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) for a table that doesn't exist, [`Kind::Sql`](crate::error::Kind::Sql) for anything but a SELECT that runs.
pub async fn select(lake: &Lake, sql: &str) -> Result<Vec<RecordBatch>> {
    select_bound(lake, sql, Vec::new()).await
}

/// The same, with a value for each placeholder: `$name` in the text is bound to the value of that name.
///
/// # Errors
/// As [`select`].
pub(crate) async fn select_bound(
    lake: &Lake,
    sql: &str,
    values: Vec<(String, ScalarValue)>,
) -> Result<Vec<RecordBatch>> {
    let PlannedQuery { mut frame, tables } = planned(lake, sql).await?;
    if !values.is_empty() {
        frame = frame.with_param_values(values).map_err(sql_error)?;
    }
    let schema = frame.schema().inner().clone();
    let mut rows = match frame.collect().await {
        Ok(rows) => rows,
        Err(error) => return Err(damage::read_fault(lake, &tables, sql_error(error)).await),
    };
    if rows.is_empty() {
        rows.push(RecordBatch::new_empty(schema));
    }
    Ok(rows)
}

/// The same, as the rows come: they are computed by threads of their own, which wait where nobody takes them and end where nobody
/// will.
///
/// # Errors
/// As [`select`]; what fails later comes in place of rows.
pub async fn stream(lake: &Lake, sql: &str) -> Result<(SchemaRef, Receiver<Result<RecordBatch>>)> {
    let lake = lake.clone();
    let sql = sql.to_owned();
    let lost = |error| Error::lost_query().with_source(error);
    let threads = THREADS.as_ref().map_err(Error::no_query_threads)?;
    // Planning takes its time, too.
    let over = lake.clone();
    let PlannedQuery { frame, tables } =
        threads.spawn(async move { planned(&over, &sql).await }).await.map_err(lost)??;
    let schema = frame.schema().inner().clone();
    let (send, receive) = mpsc::channel(AHEAD);
    threads.spawn(async move {
        let mut rows = match frame.execute_stream().await {
            Ok(rows) => rows,
            Err(error) => {
                let error = damage::read_fault(&lake, &tables, sql_error(error)).await;
                return drop(send.send(Err(error)).await);
            }
        };
        while let Some(batch) = tokio::select! {
            batch = rows.next() => batch,
            () = send.closed() => None,
        } {
            let batch = match batch {
                Ok(batch) => Ok(batch),
                Err(error) => Err(damage::read_fault(&lake, &tables, sql_error(error)).await),
            };
            let ends = batch.is_err();
            if send.send(batch).await.is_err() || ends {
                break;
            }
        }
    });
    Ok((schema, receive))
}

/// A question, and the tables that it reads.
struct PlannedQuery {
    frame: DataFrame,
    tables: Vec<TableName>,
}

/// A question over the tables that it names.
async fn planned(lake: &Lake, sql: &str) -> Result<PlannedQuery> {
    let session = lake.session()?;
    gold::register_functions(&session);
    let statement = sql::parse(&session, sql)?;
    let tables = register_named(lake, &session, &statement).await?;
    Ok(PlannedQuery { frame: sql::plan(&session, statement).await?, tables })
}

/// Opens only the tables that the statement names: on an object store each costs requests.
async fn register_named(lake: &Lake, session: &SessionContext, statement: &Statement) -> Result<Vec<TableName>> {
    let state = session.state();
    let known = known_tables()?;
    let mut tables = Vec::new();
    for reference in state.resolve_table_references(statement).map_err(sql_error)? {
        let wanted = reference.table();
        if state.table_functions().contains_key(wanted) {
            continue;
        }
        let Some(table) = known.iter().find(|table| table.name.eq_ignore_ascii_case(wanted)) else {
            // A model of the user's project is known by its table.
            if TableName::is_name(wanted) {
                let own = TableName::gold(wanted);
                if register(lake, session, wanted, &own).await? {
                    tables.push(own);
                    continue;
                }
            }
            let names = known.iter().map(|table| table.name.as_str());
            let advice = advice(wanted, names, "connectwise-etl schema lists all tables");
            return Err(Error::unknown_table(wanted, &advice));
        };
        if !register(lake, session, wanted, table).await? {
            return Err(Error::no_table_yet(table));
        }
        tables.push(table.clone());
    }
    Ok(tables)
}

/// Opens a table. One that can't be read says what is wrong with it and what mends it.
async fn register(lake: &Lake, session: &SessionContext, alias: &str, table: &TableName) -> Result<bool> {
    match lake.register(session, alias, table).await {
        Ok(found) => Ok(found),
        Err(error) => Err(damage::read_fault(lake, std::slice::from_ref(table), error.into()).await),
    }
}
