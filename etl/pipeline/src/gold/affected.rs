//! Which rows of a fact can have changed since its last commit: those whose own row changed, those that look up something
//! that changed, and those that stand together with one of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{AsArray, Int32Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use connectwise_extract::contract::{CONTENT_HASH, IS_DELETED};
use connectwise_lakehouse::Table;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionContext;

use super::inputs::{ABSENT, Inputs, is_history};
use super::lookup_state::LookupState;
use super::model::{FactRows, Model, ModelKind};
use super::{failed, in_model, lookups, withheld};
use crate::error::{Error, Result};
use crate::silver::history;
use crate::sql;

/// Application of a fact's commit: the number of the lookups that it was built with.
pub(super) const LOOKUPS: &str = "lookups";
/// Name of the changed keys of a lookup, in the SELECTs of metadata.
const CHANGED: &str = "changed";
/// Key column of silver tables.
const ID: &str = "id";
/// Affected rows that are held and compared. More of them cost less as a look at the whole table.
const AT_MOST: usize = 250_000;

/// Ids of the silver rows whose fact rows are looked at, by entity.
#[derive(Debug, Default)]
pub(super) struct Affected {
    ids: BTreeMap<String, BTreeSet<i32>>,
    /// Values of the `together` column that affected rows have, or had when the fact was built last.
    pub(super) together: BTreeSet<i32>,
}

impl Affected {
    pub(super) fn is_empty(&self) -> bool {
        self.ids.values().all(BTreeSet::is_empty)
    }

    fn of(&self, entity: &str) -> impl Iterator<Item = i32> + '_ {
        self.ids.get(entity).into_iter().flatten().copied()
    }

    /// The ids of an entity, ascending.
    fn ascending(&self, entity: &str) -> Vec<i64> {
        self.of(entity).map(i64::from).collect()
    }
}

/// Name under which the affected ids of an entity can be joined.
fn ids_of(entity: &str) -> String {
    format!("__affected_{entity}")
}

/// A search for the affected rows of one fact.
pub(super) struct Search<'a> {
    /// The fact as it is stored.
    pub(super) table: &'a Table,
    /// The session of the build: silver and the lookups are in it.
    pub(super) session: &'a SessionContext,
    pub(super) inputs: &'a Inputs,
    pub(super) state: &'a LookupState,
    pub(super) model: &'a Model,
}

impl Search<'_> {
    /// The affected rows, or `None` when nothing less than the whole table tells: it is new, silver was replaced, too much
    /// changed.
    pub(super) async fn run(&self) -> Result<Option<Affected>> {
        let Some(seen) = self.table.transaction(LOOKUPS).await? else { return Ok(None) };
        if self.state.is_lost || seen > self.state.number() || self.model.rows.is_empty() {
            return Ok(None);
        }
        let mut affected = Affected::default();
        let mut versions = BTreeMap::new();
        for (entity, rows) in &self.model.rows {
            let Some(version) = self.inputs.seen(self.table, entity).await? else { return Ok(None) };
            let mut ids = match (version, self.inputs.version(entity)) {
                (ABSENT, ABSENT) => BTreeSet::new(),
                (ABSENT, _) | (_, ABSENT) => return Ok(None),
                (version, _) => {
                    // Any other negative number is no version.
                    let Ok(version) = u64::try_from(version) else { return Ok(None) };
                    let Some(ids) = self.changed(entity, version).await? else { return Ok(None) };
                    ids
                }
            };
            for (lookup, sql) in &rows.through {
                let keys = self.state.changed_since(lookup, seen);
                if !keys.is_empty() {
                    let session = self.with_changed(lookup, &keys).await?;
                    ids.extend(self.ids(&session, sql).await?);
                }
            }
            affected.ids.insert(entity.clone(), ids);
            versions.insert(entity.as_str(), version);
        }
        self.register(&affected)?;
        if !self.model.together.is_empty() && !affected.is_empty() {
            if !self.join_companions(&mut affected, &versions).await? {
                return Ok(None);
            }
            self.register(&affected)?;
        }
        let count: usize = affected.ids.values().map(BTreeSet::len).sum();
        Ok((count <= AT_MOST).then_some(affected))
    }

    /// Ids of silver rows that are other than at a version.
    async fn changed(&self, entity: &str, version: u64) -> Result<Option<BTreeSet<i32>>> {
        let silver = self.inputs.table(entity)?;
        // A history has many rows of an id. A version may have the content of another one of its record.
        let content = if is_history(entity) { history::KEY } else { CONTENT_HASH };
        let found = silver.key_diff(self.session, ID, &[content, IS_DELETED], version).await?;
        // Silver keeps rows that are gone at the source.
        let found = found.filter(|found| found.deleted.is_empty());
        let Some(found) = found else { return Ok(None) };
        let foreign = |id: i64| Error::internal(&format!("the id {id} of silver {entity} has more than 32 bits"));
        let ids = found.upserted.into_iter().map(|id| i32::try_from(id).map_err(|_| foreign(id)));
        ids.collect::<Result<_>>().map(Some)
    }

    /// Adds the rows with the same value in the `together` column as an affected row: the value of now, or of the silver
    /// version that the fact was built from. False if that version can't be read any more.
    async fn join_companions(&self, affected: &mut Affected, versions: &BTreeMap<&str, i64>) -> Result<bool> {
        let mut values = BTreeSet::new();
        for (entity, rows) in &self.model.rows {
            let column = rows.together(self.model);
            if column == ID {
                values.extend(affected.of(entity));
                continue;
            }
            let silver = self.inputs.table(entity)?;
            let wanted = affected.ascending(entity);
            let ids = ids_of(entity);
            let shared = format!(
                "select t.`{column}` from __some t left semi join {ids} a on a.id = t.id where t.`{column}` is not null"
            );
            values.extend(self.ids_in(silver, ID, &wanted, &shared).await?);
            // The entity had no table then where its version is none.
            let then = versions.get(entity.as_str()).and_then(|version| u64::try_from(*version).ok());
            if let Some(then) = then.filter(|then| silver.version() != Some(*then) && !wanted.is_empty()) {
                let Ok(older) = silver.at(then).await else { return Ok(false) };
                let Ok(then) = self.ids_in(&older, ID, &wanted, &shared).await else { return Ok(false) };
                values.extend(then);
            }
        }
        for (entity, rows) in &self.model.rows {
            let column = rows.together(self.model);
            // Where the entity's id is the value, ids without a silver row count too: the fact may have rows for them.
            let more = if column == ID {
                values.clone()
            } else {
                let wanted: Vec<i64> = values.iter().copied().map(i64::from).collect();
                lookups::register(self.session, "__companions", batch_of(values.iter().copied())?)?;
                let sql = format!("select t.id from __some t left semi join __companions g on g.id = t.`{column}`");
                self.ids_in(self.inputs.table(entity)?, column, &wanted, &sql).await?
            };
            affected.ids.entry(entity.clone()).or_default().extend(more);
        }
        affected.together = values;
        Ok(true)
    }

    /// A session like that of the build in which the changed keys of a lookup are `changed`, under the name and type that the
    /// key has there. It is one of its own, for a model may be called `changed`.
    async fn with_changed(&self, lookup: &str, keys: &[&str]) -> Result<SessionContext> {
        let table = self.session.table(lookup).await.map_err(failed)?;
        let Some(field) = table.schema().fields().first().cloned() else {
            return Err(Error::empty_lookup(lookup));
        };
        let texts: arrow::array::ArrayRef = Arc::new(StringArray::from(keys.to_vec()));
        let unread = |error| Error::unread_lookup_keys(lookup).with_source(error);
        let keys = cast(&texts, field.data_type()).map_err(unread)?;
        let schema = Arc::new(Schema::new(vec![Field::new(field.name(), field.data_type().clone(), true)]));
        let session = self.empty_session()?;
        for name in self.tables()?.iter().filter(|name| *name != CHANGED) {
            self.share(&session, name).await?;
        }
        lookups::register(&session, CHANGED, RecordBatch::try_new(schema, vec![keys]).map_err(unread)?)?;
        Ok(session)
    }

    /// Makes a table of the build's session readable in another one.
    async fn share(&self, session: &SessionContext, name: &str) -> Result<()> {
        let provider = self.session.table_provider(name).await.map_err(failed)?;
        session.register_table(name, provider).map_err(failed).map(drop)
    }

    fn register(&self, affected: &Affected) -> Result<()> {
        for entity in self.model.rows.keys() {
            lookups::register(self.session, &ids_of(entity), batch_of(affected.of(entity))?)?;
        }
        Ok(())
    }

    /// The ids that a query over `__some` gives, which are the files of a table with one of the values in a column.
    async fn ids_in(&self, table: &Table, column: &str, values: &[i64], sql: &str) -> Result<BTreeSet<i32>> {
        // A column that the privacy policy took is NULL in all rows.
        let has = |schema: &Schema| schema.field_with_name(column).is_ok_and(|field| field.data_type().is_integer());
        if values.is_empty() || !table.schema().is_some_and(|schema| has(&schema)) {
            return Ok(BTreeSet::new());
        }
        let files = table.files_holding(column, values).await?;
        table.register_files(self.session, "__some", files).await?;
        self.ids(self.session, sql).await
    }

    /// The ids that a query gives in its first column.
    async fn ids(&self, session: &SessionContext, select: &str) -> Result<BTreeSet<i32>> {
        let frame = sql::select(session, select).await.map_err(|error| in_model(self.model, error))?;
        let mut ids = BTreeSet::new();
        for batch in frame.collect().await.map_err(|error| in_model(self.model, error))? {
            let column = cast(batch.column(0), &DataType::Int32)
                .map_err(|error| Error::no_integer_ids(&self.model.name).with_source(error))?;
            ids.extend(column.as_primitive::<Int32Type>().iter().flatten());
        }
        Ok(ids)
    }

    /// A session in which silver has the affected rows only, so that the model's SELECT gives theirs.
    pub(super) async fn narrow(&self, models: &[Model], affected: &Affected) -> Result<SessionContext> {
        let narrow = self.empty_session()?;
        let tables = self.tables()?;
        let is_view = |model: &&Model| model.kind == ModelKind::View && tables.contains(&model.name);
        let views: Vec<&Model> = models.iter().filter(is_view).collect();
        for name in &tables {
            if views.iter().all(|view| view.name != *name) {
                self.share(&narrow, name).await?;
            }
        }
        for entity in self.model.rows.keys() {
            let table = self.inputs.table(entity)?;
            let silver = table.name();
            let whole = self.session.table_provider(silver.name.as_str()).await.map_err(failed)?;
            let ids = affected.ascending(entity);
            if ids.is_empty() || !table.exists() {
                lookups::register(&narrow, &silver.name, RecordBatch::new_empty(whole.schema()))?;
                continue;
            }
            table.register_rows(&narrow, &silver.name, "id", &ids).await?;
            withheld::fill(&narrow, silver, &whole.schema()).await?;
        }
        for view in views {
            let rows = sql::select(&narrow, &view.sql).await.map_err(|error| in_model(view, error))?.into_view();
            narrow.register_table(view.name.as_str(), rows).map_err(failed)?;
        }
        Ok(narrow)
    }

    /// The fact's stored rows that stand for affected silver rows.
    pub(super) async fn stored(&self, affected: &Affected) -> Result<Vec<RecordBatch>> {
        let mut stored = Vec::new();
        for (entity, FactRows { id, only, .. }) in &self.model.rows {
            let wanted = affected.ascending(entity);
            if wanted.is_empty() || id.is_empty() {
                continue;
            }
            self.table.register_rows(self.session, "__stored", id, &wanted).await?;
            let rows = format!("select f.* from __stored f where {only}");
            stored.extend(self.session.sql(&rows).await.map_err(failed)?.collect().await.map_err(failed)?);
        }
        Ok(stored)
    }

    /// A session like that of the build, without its tables.
    fn empty_session(&self) -> Result<SessionContext> {
        let state = self.session.state();
        let options = state.config().options().catalog.clone();
        let catalogs = MemoryCatalogProviderList::new();
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(&options.default_schema, Arc::new(MemorySchemaProvider::new())).map_err(failed)?;
        catalogs.register_catalog(options.default_catalog, Arc::new(catalog));
        let state = SessionStateBuilder::new_from_existing(state).with_catalog_list(Arc::new(catalogs)).build();
        Ok(SessionContext::new_with_state(state))
    }

    fn tables(&self) -> Result<Vec<String>> {
        let state = self.session.state();
        let options = &state.config().options().catalog;
        let schema = self
            .session
            .catalog(&options.default_catalog)
            .and_then(|catalog| catalog.schema(&options.default_schema))
            .ok_or_else(|| Error::internal("the SQL session has no schema"))?;
        Ok(schema.table_names())
    }
}

fn batch_of(ids: impl Iterator<Item = i32>) -> Result<RecordBatch> {
    let ids: arrow::array::ArrayRef = Arc::new(Int32Array::from_iter_values(ids));
    RecordBatch::try_from_iter([("id", ids)]).map_err(|error| Error::unheld_ids().with_source(error))
}
