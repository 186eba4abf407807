//! A run's part of the ledger, written while it goes on.

use std::pin::pin;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use connectwise_lakehouse::{Lake, Table, TableName};
use connectwise_sdk::catalog::Entity;
use connectwise_upkeep::Window;
use futures::future::{Either, select, select_all};
use serde::{Deserialize, Serialize};

use super::drift::{Memory, News};
use super::opened::OpenedTables;
use super::rows::{ChunkRow, RunRow, StepRow, TestRow};
use super::{CHUNKS, DRIFT, End, FIELDS, INTERRUPTED, RUNS, STARTED, STEPS, Start, TESTS, process};
use crate::error::{Error, Result};
use crate::telemetry::{Chunk, Meter, Step, Tally};

/// Steps and chunks are written this often: a commit for each would double the time of a run in which nothing changed.
const EVERY: Duration = Duration::from_secs(10);

/// A run elsewhere that hasn't ended after so long is taken for lost. If it lives after all, its end is what counts.
const LOST: TimeDelta = TimeDelta::hours(24);

/// How far back unfinished runs are looked for: older ones have been closed or forgotten.
const LOOK_BACK: TimeDelta = TimeDelta::days(31);

/// How long a table's log is sure to name files that left it.
const NAMED: TimeDelta = TimeDelta::days(6);

/// By so much the clocks of machines and stores may differ.
const GRACE: TimeDelta = TimeDelta::minutes(10);

/// A run of the ledger.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Past {
    run_id: String,
    started: DateTime<Utc>,
    outcome: Option<String>,
}

/// Writes what a run does while it does it, so that a run which is killed leaves more than its start.
#[derive(Debug)]
pub struct Journal<'a> {
    tables: OpenedTables<'a>,
    start: Start<'a>,
    steps: Vec<Step>,
    chunks: Vec<(TableName, Chunk)>,
    tallies: Vec<(&'static Entity, Tally)>,
    memory: Option<Memory>,
    written: Instant,
    /// When chunks were last written while their load went on.
    chunked: Option<Instant>,
    fault: Option<Error>,
}

impl<'a> Journal<'a> {
    /// Says that a run begins, and closes earlier ones that were interrupted. To be called before the run touches anything.
    /// `opened` are tables of the ledger that the run has opened.
    pub async fn begin(lake: &'a Lake, start: Start<'a>, opened: Vec<Table>) -> Self {
        let mut tables = OpenedTables::new(lake, opened);
        let fault = match tables.append(start.run_id, RUNS, &[RunRow::started(start)]).await {
            Ok(()) => close_interrupted(&mut tables, start.run_id, Utc::now()).await.err(),
            Err(error) => Some(error),
        };
        let steps = Vec::new();
        let chunks = Vec::new();
        let tallies = Vec::new();
        Self { tables, start, steps, chunks, tallies, memory: None, written: Instant::now(), chunked: None, fault }
    }

    /// When those runs wrote that didn't end well, as far back as versions of a table are kept. `None` where all ended well, or
    /// nobody can tell.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub async fn leftovers(&mut self) -> Result<Option<Window>> {
        if self.fault.is_some() {
            return Ok(None);
        }
        let now = Utc::now();
        let since = (now - NAMED).format("%Y-%m-%dT%H:%M:%SZ");
        let sql = format!(
            "select \"runId\", max(started) as started, \
             max(case when outcome <> '{STARTED}' then outcome end) as outcome from etl_runs \
             where started >= timestamp '{since}' group by \"runId\""
        );
        let runs: Vec<Past> = self.tables.rows(&sql).await?;
        let mut until = self.start.started;
        let mut first: Option<DateTime<Utc>> = None;
        for run in runs.iter().filter(|run| run.run_id != self.start.run_id) {
            match run.outcome.as_deref() {
                Some("done") => {}
                Some(_) => first = Some(first.map_or(run.started, |known| known.min(run.started))),
                // Whoever is at work has written nothing before it began, by whatever clock.
                None => until = until.min(run.started - GRACE),
            }
        }
        Ok(first.map(|first| Window { since: first - GRACE, until }))
    }

    /// Drives `load` to its end and meanwhile writes the staged chunks of the running loads to the ledger: the first at once,
    /// so that a killed load leaves a record, later ones in batches.
    pub async fn beside<T>(&mut self, running: &[(TableName, Meter)], load: impl Future<Output = T>) -> T {
        let mut load = pin!(load);
        loop {
            let wait = self.chunked.map_or(Duration::ZERO, |last| EVERY.saturating_sub(last.elapsed()));
            let safe = pin!(async {
                any_chunked(running).await;
                tokio::time::sleep(wait).await;
            });
            if let Either::Left((done, _)) = select(load.as_mut(), safe).await {
                return done;
            }
            let writing = pin!(self.write_chunks(running));
            if let Either::Left((done, writing)) = select(load.as_mut(), writing).await {
                writing.await;
                return done;
            }
        }
    }

    async fn write_chunks(&mut self, running: &[(TableName, Meter)]) {
        let of = |(table, meter): &(TableName, Meter)| {
            meter.take_chunks().into_iter().map(|chunk| (table.clone(), chunk)).collect::<Vec<_>>()
        };
        let chunks: Vec<_> = running.iter().flat_map(of).collect();
        let rows = self.chunk_rows(&chunks);
        if let Err(error) = self.append(CHUNKS, &rows).await {
            self.note(error);
        }
        self.chunked = Some(Instant::now());
    }

    /// Takes a step that has ended; of a load also the chunks that weren't written yet, and what its rows showed.
    pub async fn step(&mut self, step: &Step, load: Option<(&'static Entity, &Meter)>) {
        if let Some((entity, meter)) = load {
            let (chunks, tally) = meter.take();
            let table = TableName { layer: step.layer, name: step.table.clone() };
            self.chunks.extend(chunks.into_iter().map(|chunk| (table.clone(), chunk)));
            self.tallies.push((entity, tally));
        }
        self.steps.push(step.clone());
        if self.written.elapsed() >= EVERY {
            self.write().await;
        }
    }

    /// Writes what was taken so far: at the end of a layer, and now and then.
    pub async fn write(&mut self) {
        let steps = std::mem::take(&mut self.steps);
        let chunks = std::mem::take(&mut self.chunks);
        let news = self.news().await;
        let start = self.start;
        let chunks = self.chunk_rows(&chunks);
        let steps: Vec<StepRow> = steps.iter().map(|step| StepRow::new(start, step)).collect();
        let written = async {
            self.append(CHUNKS, &chunks).await?;
            self.append(STEPS, &steps).await?;
            let news = news?;
            self.append(FIELDS, &news.field_rows(start)).await?;
            self.append(DRIFT, &news.drift_rows(start)).await
        };
        if let Err(error) = written.await {
            self.note(error);
        }
        self.written = Instant::now();
    }

    /// What the rows showed for the first time.
    async fn news(&mut self) -> Result<News> {
        let mut news = News::default();
        let tallies = std::mem::take(&mut self.tallies);
        if tallies.iter().all(|(_, tally)| tally.rows() == 0) {
            return Ok(news);
        }
        let mut memory = match self.memory.take() {
            Some(memory) => memory,
            None => Memory::read(&mut self.tables).await?,
        };
        for (entity, tally) in &tallies {
            memory.news(entity, tally, &mut news);
        }
        self.memory = Some(memory);
        Ok(news)
    }

    /// Says how the run ended. Its own row comes last: once it is there, its steps and tests are.
    ///
    /// # Errors
    /// The first fault that the ledger had since the run began: one that stays would be told often.
    pub async fn end(mut self, end: &End<'_>) -> Result<()> {
        self.write().await;
        let start = self.start;
        let tests: Vec<TestRow> = end.tests.iter().map(|test| TestRow::new(start, test)).collect();
        let written = async {
            self.append(TESTS, &tests).await?;
            self.append(RUNS, &[RunRow::ended(start, end)]).await
        };
        if let Err(error) = written.await {
            self.note(error);
        }
        self.fault.map_or(Ok(()), Err)
    }

    fn chunk_rows(&self, chunks: &[(TableName, Chunk)]) -> Vec<ChunkRow> {
        chunks.iter().map(|(table, chunk)| ChunkRow::new(self.start, table, chunk)).collect()
    }

    async fn append<T: Serialize>(&mut self, table: &str, rows: &[T]) -> Result<()> {
        self.tables.append(self.start.run_id, table, rows).await
    }

    fn note(&mut self, error: Error) {
        tracing::warn!(error = %error.report(), "the ledger can't be written");
        self.fault.get_or_insert(error);
    }
}

/// Waits until one of these loads has staged a chunk.
async fn any_chunked(running: &[(TableName, Meter)]) {
    if running.is_empty() {
        return std::future::pending().await;
    }
    select_all(running.iter().map(|(_, meter)| Box::pin(meter.chunked()))).await;
}

/// Closes the runs that began and can't end any more: their process is gone, or nothing was heard of them for a day.
async fn close_interrupted(tables: &mut OpenedTables<'_>, own: &str, now: DateTime<Utc>) -> Result<()> {
    let since = (now - LOOK_BACK).format("%Y-%m-%dT%H:%M:%SZ");
    let sql = format!(
        "select * from etl_runs r where outcome = 'started' \
         and started >= timestamp '{since}' and not exists \
         (select 1 from etl_runs e where e.\"runId\" = r.\"runId\" and e.outcome <> 'started' \
          and e.started >= timestamp '{since}')"
    );
    let unfinished: Vec<RunRow> = tables.rows(&sql).await?;
    for run in unfinished.into_iter().filter(|run| run.run_id != own) {
        let gone = run.process.as_deref().and_then(process::is_gone).unwrap_or(now - run.started > LOST);
        if gone {
            tables.append(own, RUNS, &[run.closed(now, INTERRUPTED)]).await?;
        }
    }
    Ok(())
}
