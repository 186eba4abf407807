//! Facts that a cluster with Spark SQL computes: the query that it gets, and how its rows are read back.
//!
//! The cluster gets one SELECT. Silver it reads from the files of the versions that this build has opened; what is small and was
//! computed here already (keys of dimensions, lookups, cached aggregates, what is configured) it gets as files beside those of the
//! fact. Views go into the SELECT itself, so that a session of its user has no names of ours but those of the tables, which nobody else
//! has. It writes its rows as files, and what they are worth is told here.

use std::collections::BTreeSet;
use std::error::Error as StdError;
use std::fmt::{Debug, Write as _};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use connectwise_extract::catalog;
use connectwise_lakehouse::{ExchangeFolder, Readable, Table};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde::Serialize;

use super::dimension::nullable;
use super::engine::{ComputedRows, Embedded, Engine, WholeFact};
use super::inputs::contract_of;
use super::model;
use super::{failed, in_model};
use crate::error::{Error, Result};
use crate::silver::is_hashed;

/// A cluster that runs Spark SQL, and reads and writes the lakehouse under its address.
pub trait Cluster: Debug + Send + Sync {
    /// Reads the tables of a query, runs its SELECT and writes the rows as Parquet files. Gives how many there are. The query ends when
    /// the future is dropped.
    ///
    /// # Errors
    /// What the cluster says, in a line.
    fn compute(&self, query: ClusterQuery) -> BoxFuture<'_, Result<u64, Box<dyn StdError + Send + Sync>>>;
}

/// A SELECT that a cluster has to run for a fact, and the tables that it reads. There is no secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterQuery {
    /// The fact that it is for.
    pub model: String,
    /// How the names of its tables begin, and those of no others.
    pub prefix: String,
    /// The tables that the SELECT reads, under names that begin with the prefix.
    pub tables: Vec<ClusterTable>,
    /// One SELECT of Spark SQL. Time is UTC in it.
    pub sql: String,
    /// Names and types of the columns that it gives, as Spark writes them.
    pub columns: String,
    /// The folder to write the rows into.
    pub output: String,
}

/// A table that a cluster reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterTable {
    /// Name under which the SELECT reads it.
    pub name: String,
    /// The table that it is, for messages.
    pub table: String,
    /// Names and types of its columns, as Spark writes them. A file may lack some.
    pub columns: String,
    /// Parquet files whose rows are those of the table.
    pub files: Vec<String>,
    /// How many rows these files have, where that is known.
    pub rows: Option<u64>,
    /// Where the log says more than which files there are: folder and version of the Delta table.
    pub version: Option<(String, u64)>,
}

/// Facts on a cluster. Models of the user's project stay here: what they may call is this program's SQL.
pub(super) struct OnCluster {
    pub(super) cluster: Arc<dyn Cluster>,
    pub(super) here: Embedded,
}

impl Engine for OnCluster {
    fn rows<'a>(&'a self, fact: WholeFact<'a>) -> BoxFuture<'a, Result<ComputedRows>> {
        if fact.model.own {
            return self.here.rows(fact);
        }
        async move {
            let folder = fact.run.known.table(fact.model)?.exchange(&fact.run.id).await?;
            match self.computed(&fact, &folder).await {
                Ok(frame) => Ok(ComputedRows { frame, folder: Some(folder) }),
                Err(error) => {
                    ComputedRows::discard(Some(folder)).await;
                    Err(error)
                }
            }
        }
        .boxed()
    }
}

impl OnCluster {
    async fn computed(&self, fact: &WholeFact<'_>, folder: &ExchangeFolder) -> Result<datafusion::prelude::DataFrame> {
        let query = query(fact, folder).await?;
        let said = self.cluster.compute(query).await;
        let said = said.map_err(|why| Error::uncomputed_by_cluster(&fact.model.name, &why.to_string()))?;
        let (found, frame) = folder.rows(fact.session, nullable(&fact.model.selected())).await?;
        if found == said { Ok(frame) } else { Err(Error::rows_of_cluster(&fact.model.name, said, found)) }
    }
}

/// What a cluster has to compute for a fact. What it can't read otherwise is written into the folder.
async fn query(fact: &WholeFact<'_>, folder: &ExchangeFolder) -> Result<ClusterQuery> {
    let model = fact.model;
    let prefix = format!(
        "connectwise_etl_{}_{}_",
        fact.run.id.replace(|sign: char| !sign.is_ascii_alphanumeric(), ""),
        model.name
    );
    let mut views = model::views(model, fact.models);
    views.reverse();
    let is_view = |name: &str| views.iter().any(|view| view.name.to_lowercase() == name);
    let read: BTreeSet<&String> =
        model.tables.iter().chain(views.iter().flat_map(|view| &view.tables)).filter(|name| !is_view(name)).collect();
    let mut tables = Vec::new();
    let mut sql = String::new();
    let mut within = |name: &str, select: &str| {
        let start = if sql.is_empty() { "with" } else { "," };
        write!(sql, "{start} `{name}` as (\n{select}\n)").map_err(|_| Error::internal("a text can't be put together"))
    };
    for name in read {
        let silver = fact.inputs.tables().find(|table| table.name().name.to_lowercase() == *name);
        let (table, select) = match silver {
            Some(silver) => of_silver(silver, folder).await?,
            None => (of_session(fact, name, folder).await?, vec!["*".to_owned()]),
        };
        let alias = format!("{prefix}{name}");
        within(name, &format!("select {} from `{alias}`", select.join(", ")))?;
        tables.push(ClusterTable { name: alias, ..table });
    }
    for view in &views {
        within(&view.name, &view.sql)?;
    }
    let wanted = model.selected();
    let mut casts = Vec::with_capacity(wanted.fields().len());
    for field in wanted.fields() {
        casts.push(format!("cast(`{0}` as {1}) as `{0}`", field.name(), spark_type(field)?));
    }
    let select = format!("\nselect {} from (\n{}\n) computed", casts.join(", "), model.sql);
    sql.push_str(&select);
    let columns = spark_columns(&wanted)?;
    Ok(ClusterQuery { model: model.name.clone(), prefix, tables, sql, columns, output: folder.output() })
}

/// A silver table, and what is selected of it: the columns of its contract, NULL in the place of hashes that aren't of a column's type.
async fn of_silver(silver: &Table, folder: &ExchangeFolder) -> Result<(ClusterTable, Vec<String>)> {
    let named = silver.name();
    let unknown = || Error::internal(&format!("{named} has no contract"));
    let input = named.name.strip_prefix("silver_cw_").ok_or_else(unknown)?;
    let contract = contract_of(catalog::entities(), input).ok_or_else(unknown)?;
    let stored = silver.schema().unwrap_or_else(|| contract.clone());
    let mut fields: Vec<Field> = Vec::new();
    let mut select = Vec::new();
    for field in contract.fields() {
        let name = field.name();
        let found = stored.field_with_name(name).map_err(|_| Error::no_silver_column(named, name))?;
        if is_hashed(found) && *field.data_type() != DataType::Utf8 {
            select.push(format!("cast(null as {}) as `{name}`", spark_type(field)?));
        } else {
            select.push(format!("`{name}`"));
            fields.push(found.clone());
        }
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let rows = silver.logged_rows();
    let (files, rows, version) = match silver.readable()? {
        Some(Readable::Files(files)) if !files.is_empty() => (files, rows, None),
        Some(Readable::Version(place, version)) => (Vec::new(), None, Some((place, version))),
        // Spark reads no table without files.
        _ => (vec![give(folder, &named.name, &RecordBatch::new_empty(schema.clone())).await?], Some(0), None),
    };
    let columns = spark_columns(&schema)?;
    Ok((ClusterTable { name: String::new(), table: named.to_string(), columns, files, rows, version }, select))
}

/// A table that this build holds.
async fn of_session(fact: &WholeFact<'_>, name: &str, folder: &ExchangeFolder) -> Result<ClusterTable> {
    let held = fact.session.table(name).await.map_err(|error| in_model(fact.model, error))?;
    let schema = held.schema().inner().clone();
    let batches = held.collect().await.map_err(failed)?;
    let rows = concat_batches(&schema, &batches).map_err(|error| Error::unheld_rows(name).with_source(error))?;
    let files = vec![give(folder, name, &rows).await?];
    let columns = spark_columns(&for_spark(&schema))?;
    let rows = Some(rows.num_rows() as u64);
    Ok(ClusterTable { name: String::new(), table: name.to_owned(), columns, files, rows, version: None })
}

async fn give(folder: &ExchangeFolder, name: &str, rows: &RecordBatch) -> Result<String> {
    let schema = for_spark(&rows.schema());
    let columns = rows.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<std::result::Result<Vec<_>, _>>();
    let fitted = columns.and_then(|columns| RecordBatch::try_new(schema, columns));
    let fitted = fitted.map_err(|error| Error::unheld_rows(name).with_source(error))?;
    Ok(folder.give(name, &fitted).await?)
}

/// The same columns in types that Spark has, each of which may be NULL.
fn for_spark(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().map(|field| {
        let kind = match field.data_type() {
            DataType::UInt8 => DataType::Int16,
            DataType::UInt16 => DataType::Int32,
            DataType::UInt32 | DataType::UInt64 => DataType::Int64,
            DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => DataType::Utf8,
            DataType::Date64 => DataType::Date32,
            DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
            DataType::Dictionary(_, values) => values.as_ref().clone(),
            other => other.clone(),
        };
        Field::new(field.name(), kind, true)
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Names and types of columns as Spark writes them.
fn spark_columns(schema: &Schema) -> Result<String> {
    let columns = schema.fields().iter().map(|field| Ok(format!("`{}` {}", field.name(), spark_type(field)?)));
    Ok(columns.collect::<Result<Vec<_>>>()?.join(", "))
}

/// What Spark calls the type of a column.
fn spark_type(field: &Field) -> Result<String> {
    let name = match field.data_type() {
        DataType::Boolean => "boolean",
        DataType::Int8 => "tinyint",
        DataType::Int16 => "smallint",
        DataType::Int32 => "int",
        DataType::Int64 => "bigint",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "string",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary",
        DataType::Date32 => "date",
        DataType::Timestamp(_, Some(_)) => "timestamp",
        DataType::Timestamp(_, None) => "timestamp_ntz",
        DataType::Decimal128(precision, scale) => return Ok(format!("decimal({precision},{scale})")),
        other => return Err(Error::internal(&format!("{} has the type {other}, which Spark lacks", field.name()))),
    };
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, UInt64Array};

    use super::super::model::{ModelKind, models};
    use super::*;

    /// They would hide the tables, and Spark 3 refuses a SELECT in which they do.
    #[test]
    fn no_select_names_a_part_of_itself_as_a_table_is_called() {
        let models = models().unwrap();
        let part = regex::Regex::new(r"(?:with|\),)\s+(\w+) as \(").unwrap();
        let mut parts = 0;
        for model in models.iter().filter(|model| model.kind != ModelKind::Calendar) {
            for named in part.captures_iter(&model.sql.to_lowercase()) {
                let name = named.get(1).unwrap().as_str();
                let is_table = models.iter().any(|other| other.name == name) || name.starts_with("silver_cw_");
                assert!(!is_table && !super::super::lookups::NAMES.contains(&name), "{} has {name}", model.name);
                parts += 1;
            }
        }
        assert!(parts > 20, "{parts}");
    }

    #[test]
    fn every_contract_has_types_of_spark() {
        for model in models().unwrap().iter().filter(|model| model.is_table()) {
            spark_columns(&model.schema).unwrap();
        }
        for entity in catalog::entities() {
            spark_columns(&contract_of(catalog::entities(), entity.table).unwrap()).unwrap();
        }
        let counts: ArrayRef = Arc::new(UInt64Array::from(vec![1]));
        let counts = RecordBatch::try_from_iter([("n", counts)]).unwrap();
        assert!(spark_columns(&counts.schema()).is_err());
        assert_eq!(spark_columns(&for_spark(&counts.schema())).unwrap(), "`n` bigint");
    }
}
