//! Rows of a model into its table: checked against the contract, compared with what is stored, and only then written.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Changes, Commit, Lake, Source, Table, same_schema};
use datafusion::prelude::{DataFrame, SessionContext, cast, ident};
use futures::stream::{BoxStream, StreamExt, TryStreamExt};

use super::check::{Checks, TestTally};
use super::doubts::KnownTables;
use super::model::{BATCH_ID, Model, PROCESSED_AT, SOURCE, is_technical};
use super::{STORED, failed};
use crate::error::{Error, Result, sql_error};
use crate::silver::Fingerprinter;
use crate::telemetry::{Mode, TableReport};

/// Changed rows that are held for a merge. A change that is larger than that costs less as a new table.
const MERGED_AT_MOST: usize = 100_000;

/// The run that writes.
#[derive(Debug, Clone)]
pub(super) struct GoldRun {
    pub(super) lake: Lake,
    pub(super) mode: Mode,
    pub(super) id: String,
    pub(super) started: DateTime<Utc>,
    /// Which of its tables others changed.
    pub(super) known: KnownTables,
    /// Compares and writes nothing.
    pub(super) dry: bool,
}

/// Whether a table has the columns of a model.
pub(super) fn has_columns(table: &Table, model: &Model) -> bool {
    table.schema().is_some_and(|stored| same_schema(&stored, &model.schema))
}

/// The rows that a model selects, and their data tests.
#[derive(Clone)]
pub(super) struct ModelRows<'a> {
    pub(super) model: &'a Model,
    /// It has the columns of the contract without the technical ones.
    pub(super) frame: DataFrame,
    pub(super) checks: &'a Checks,
}

impl GoldRun {
    /// Brings a model's table to these rows. No difference, no commit.
    pub(super) async fn write(
        &self,
        session: &SessionContext,
        selected: ModelRows<'_>,
        commit: &Commit,
    ) -> Result<TableReport> {
        let model = selected.model;
        let table = self.known.table(model)?;
        if self.dry {
            return self.compare(session, selected).await;
        }
        let is_believed = self.known.doubt(model).is_none();
        if is_believed && has_columns(table, model) {
            let difference = self.difference(session, selected.clone()).await?;
            if difference.is_none() {
                return self.note_inputs(model, commit).await;
            }
            if self.mode == Mode::Incremental && !difference.gone && !difference.too_many {
                let rows = difference.changed.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
                let changes = Changes::upserts(&model.key, difference.changed);
                let written = table.merge(&model.schema, changes, commit).await?;
                return Ok(TableReport::written(table.name().clone(), rows, written));
            }
        }
        // Delta's writer makes a text of what ends its rows, so that is noted before the writer gets it.
        let ended: Arc<OnceLock<Error>> = Arc::default();
        let noted = ended.clone();
        let rows = self.rows(selected).await?;
        let rows = rows.inspect_err(move |error| drop(noted.set(error.in_one()))).boxed();
        let source = Source::stream(session, model.schema.clone(), rows)?;
        match table.overwrite(&model.schema, source, commit).await {
            Ok(written) => Ok(TableReport::written(table.name().clone(), written.inserted, written)),
            Err(error) if error.is_conflict() => Err(error.into()),
            Err(error) => Err(ended.get().map_or_else(|| error.into(), Error::in_one)),
        }
    }

    /// Says how the stored rows differ from these, and leaves them.
    async fn compare(&self, session: &SessionContext, selected: ModelRows<'_>) -> Result<TableReport> {
        let model = selected.model;
        let table = self.known.table(model)?;
        let Some(version) = table.version() else { return Ok(TableReport::no_input(table.name().clone())) };
        let mut report = TableReport::unchanged(table.name().clone(), version);
        if !has_columns(table, model) {
            report.warnings.push("its columns aren't those of its contract".to_owned());
            return Ok(report);
        }
        let difference = self.difference(session, selected).await?;
        let changed = difference.changed.iter().map(RecordBatch::num_rows).sum::<usize>();
        if difference.too_many {
            report.warnings.push(format!("more than {MERGED_AT_MOST} rows are missing or have other values"));
        } else if changed > 0 {
            report.warnings.push(format!("{changed} rows are missing or have other values"));
        }
        if difference.gone {
            report.warnings.push("it has rows that silver doesn't give".to_owned());
        }
        Ok(report)
    }

    /// Brings the rows `before` of a model's table to these, and leaves the others as they are. No difference, no commit.
    pub(super) async fn merge(
        &self,
        selected: ModelRows<'_>,
        before: &[RecordBatch],
        commit: &Commit,
    ) -> Result<TableReport> {
        let model = selected.model;
        let mut ids = Fingerprinter::new(&model.schema, |name| name == model.key)?;
        let mut contents = Fingerprinter::new(&model.schema, |name| !is_technical(name))?;
        let mut stored: HashMap<u64, u64> = HashMap::new();
        for batch in before {
            stored.extend(ids.rows(batch)?.into_iter().zip(contents.rows(batch)?));
        }
        let mut upserts = Vec::new();
        let mut rows = self.rows(selected).await?;
        while let Some(batch) = rows.try_next().await? {
            let found = ids.rows(&batch)?.into_iter().zip(contents.rows(&batch)?);
            let differs = found.map(|(id, content)| stored.remove(&id) != Some(content)).collect();
            upserts.extend(taken(model, &batch, differs)?);
        }
        // What is left has no row any more.
        let mut deletes = Vec::new();
        for batch in before.iter().filter(|_| !stored.is_empty()) {
            let gone = ids.rows(batch)?.iter().map(|id| stored.contains_key(id)).collect();
            deletes.extend(taken(model, batch, gone)?);
        }
        let count = upserts.iter().map(RecordBatch::num_rows).sum::<usize>() as u64;
        if count == 0 && deletes.is_empty() {
            return self.note_inputs(model, commit).await;
        }
        let near = model.rows.values().map(|rows| rows.id.as_str()).find(|id| !id.is_empty()).unwrap_or(&model.key);
        let changes = Changes::upserts(&model.key, upserts).clustered_by(near).deleting_rows(deletes);
        let table = self.known.table(model)?;
        let written = table.merge(&model.schema, changes, commit).await?;
        Ok(TableReport::written(table.name().clone(), count, written))
    }

    /// Notes that the table was looked at and is what it has to be, so that the next build doesn't look for the same changes.
    /// No new version of an input, no commit.
    pub(super) async fn note_inputs(&self, model: &Model, commit: &Commit) -> Result<TableReport> {
        let table = self.known.table(model)?;
        let written = table.commit_transactions(commit).await?;
        Ok(TableReport::unchanged(table.name().clone(), written.version))
    }

    /// The rows with their technical columns, each batch checked against the contract. After the last one the data tests
    /// are judged: a failure ends the stream, and with it the write, before the commit.
    async fn rows(&self, selected: ModelRows<'_>) -> Result<BoxStream<'static, Result<RecordBatch>>> {
        let ModelRows { model, frame, checks } = selected;
        let schema = model.schema.clone();
        let run = self.clone();
        let source = model.source.clone();
        let name = model.name.clone();
        let ended = {
            let name = name.clone();
            move |error| Error::uncomputed_because(&name, &sql_error(error))
        };
        let batches = frame.execute_stream().await.map_err(&ended)?.map_err(ended);
        let rows = batches.map(move |batch| run.finished(&name, &source, &schema, batch?)).boxed();
        let state = (rows, checks.tally(model)?);
        let tested = futures::stream::try_unfold(
            state,
            |(mut rows, mut tally): (BoxStream<'static, Result<RecordBatch>>, TestTally)| async move {
                let Some(batch) = rows.try_next().await? else { return tally.judge().map(|()| None) };
                tally.add(&batch)?;
                Ok(Some((batch, (rows, tally))))
            },
        );
        Ok(tested.boxed())
    }

    fn finished(&self, name: &str, source: &str, schema: &SchemaRef, batch: RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut columns = batch.columns().to_vec();
        for field in schema.fields().iter().filter(|field| is_technical(field.name())) {
            let column: ArrayRef = match field.name().as_str() {
                PROCESSED_AT => {
                    let instants = TimestampMicrosecondArray::from(vec![self.started.timestamp_micros(); rows]);
                    Arc::new(instants.with_timezone("UTC"))
                }
                SOURCE => Arc::new(StringArray::from(vec![source; rows])),
                BATCH_ID => Arc::new(StringArray::from(vec![self.id.as_str(); rows])),
                _ => continue,
            };
            columns.push(column);
        }
        RecordBatch::try_new(schema.clone(), columns).map_err(|error| Error::broken_contract(name).with_source(error))
    }

    async fn difference(&self, session: &SessionContext, selected: ModelRows<'_>) -> Result<Difference> {
        let model = selected.model;
        let mut ids = Fingerprinter::new(&model.schema, |name| name == model.key)?;
        let mut contents = Fingerprinter::new(&model.schema, |name| !is_technical(name))?;
        let mut stored: HashMap<u64, u64> = HashMap::new();
        self.known.table(model)?.register(session, STORED).await?;
        let mut rows = session.table(STORED).await.map_err(failed)?.execute_stream().await.map_err(failed)?;
        while let Some(batch) = rows.try_next().await.map_err(failed)? {
            stored.extend(ids.rows(&batch)?.into_iter().zip(contents.rows(&batch)?));
        }
        session.deregister_table(STORED).map_err(failed)?;
        let mut difference = Difference::default();
        let mut held = 0;
        let mut known = 0;
        let mut rows = self.rows(selected).await?;
        while let Some(batch) = rows.try_next().await? {
            let mut differs = Vec::with_capacity(batch.num_rows());
            for (id, content) in ids.rows(&batch)?.into_iter().zip(contents.rows(&batch)?) {
                let before = stored.get(&id);
                known += usize::from(before.is_some());
                differs.push(before != Some(&content));
            }
            let count = differs.iter().filter(|differs| **differs).count();
            held += count;
            // Whether the table will be replaced is all that is left to know.
            if held > MERGED_AT_MOST || (held > 0 && self.mode == Mode::Full) {
                return Ok(Difference { too_many: true, ..Difference::default() });
            }
            difference.changed.extend(taken(model, &batch, differs)?);
        }
        difference.gone = known < stored.len();
        Ok(difference)
    }
}

/// The chosen rows of a batch, `None` when there are none.
fn taken(model: &Model, batch: &RecordBatch, chosen: Vec<bool>) -> Result<Option<RecordBatch>> {
    if !chosen.contains(&true) {
        return Ok(None);
    }
    filter_record_batch(batch, &BooleanArray::from(chosen))
        .map(Some)
        .map_err(|error| Error::unchosen_rows(&model.name).with_source(error))
}

/// How the rows of a model differ from those of its table.
#[derive(Default)]
struct Difference {
    changed: Vec<RecordBatch>,
    too_many: bool,
    gone: bool,
}

impl Difference {
    fn is_none(&self) -> bool {
        self.changed.is_empty() && !self.too_many && !self.gone
    }
}

/// What a model selects as its contract has it: the same names in the same order, cast to the declared types.
pub(super) fn conform(model: &Model, frame: DataFrame) -> Result<DataFrame> {
    let wanted = model.selected();
    let found: Vec<String> = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
    let same = found.len() == wanted.fields().len()
        && found.iter().zip(wanted.fields()).all(|(found, wanted)| found == wanted.name());
    if !same {
        let first = found
            .iter()
            .map(String::as_str)
            .chain(std::iter::repeat("nothing"))
            .zip(wanted.fields())
            .find(|(found, wanted)| *found != wanted.name())
            .map_or_else(
                || format!("it has {} columns, and {} are declared", found.len(), wanted.fields().len()),
                |(found, wanted)| format!("{found} stands where {} is declared", wanted.name()),
            );
        return Err(Error::undeclared_columns(&model.name, &first));
    }
    let columns =
        wanted.fields().iter().map(|field| cast(ident(field.name()), field.data_type().clone()).alias(field.name()));
    frame.select(columns.collect::<Vec<_>>()).map_err(failed)
}
