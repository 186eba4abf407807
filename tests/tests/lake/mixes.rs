//! Whatever happens to tables and at the server, in any order and with runs between: after the next run, or the next `run --full`,
//! bronze, silver and gold equal the truth, or the run doesn't end well and says what to do.

use std::collections::BTreeMap;

use connectwise_lakehouse::{Layer, TableName};
use connectwise_pipeline::run::{Mode, RunReport, StepOutcome};
use connectwise_pipeline::silver::history;
use connectwise_tests::Draws;
use connectwise_upkeep as upkeep;

use crate::damage::Harm;
use crate::loaded::{Tenant, entities};
use crate::others::{Deed, does};
use crate::source::{Source, Turn};

/// Mixes of a run of all tests, which have each kind of event once; `CW_OUTSIDERS` says another number.
const MIXES: usize = 3;

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Somebody writes to a table.
    Table(Deed),
    /// Something happens to the files of a table.
    Files(Harm),
    /// Something happens at the server.
    Server(Turn),
}

/// Of what happens to files, a log that is gone altogether is left out: nothing is left then that a run could go by.
fn events() -> Vec<Event> {
    let tables = Deed::ALL.into_iter().map(Event::Table);
    tables
        .chain(Harm::WITH_A_LOG.into_iter().map(Event::Files))
        .chain(Turn::ALL.into_iter().map(Event::Server))
        .collect()
}

/// The events of a mix. Each kind is in one of [`MIXES`] that follow each other, and which of them stand together is drawn.
fn drawn(mix: usize) -> Vec<Event> {
    let mut all = events();
    let mut draws = Draws::new((mix / MIXES) as u64 + 1);
    for at in (1..all.len()).rev() {
        all.swap(at, below(&mut draws, at + 1));
    }
    let size = all.len().div_ceil(MIXES);
    all.chunks(size).nth(mix % MIXES).unwrap().to_vec()
}

fn below(draws: &mut Draws, bound: usize) -> usize {
    usize::try_from(draws.below(bound as u64)).unwrap()
}

struct Mix {
    number: usize,
    draws: Draws,
    tenant: Tenant,
    source: Source,
    tables: Vec<TableName>,
}

impl Mix {
    async fn start(number: usize) -> Self {
        let mut tables: Vec<TableName> =
            entities().flat_map(|entity| [TableName::bronze(entity.table), TableName::silver(entity.table)]).collect();
        tables.extend(entities().filter(|entity| entity.history).map(history::table));
        tables.extend(["dimcompany", "dimmember", "fact_timeentry", "dimension_keys"].map(TableName::gold));
        tables.extend(["gold_lookups", "gold_parts"].map(TableName::ledger));
        let (mut tenant, mut source) = (Tenant::loaded().await, Source::default());
        // Tables have more than one version.
        source.turn(Turn::Edit, &mut tenant).await;
        tenant.run(Mode::Incremental, &Layer::ALL).await;
        Self { number, draws: Draws::new(number as u64 + 1_000), tenant, source, tables }
    }

    /// What a failed test shows.
    fn tell(&self, what: &str) {
        println!("mix {}: {what}", self.number);
    }

    /// Lets something happen, at a table where it can: the first one from a drawn one on.
    async fn happen(&mut self, event: Event) -> bool {
        if let Event::Server(turn) = event {
            self.tell(&format!("{turn:?} at the server"));
            self.source.turn(turn, &mut self.tenant).await;
            return true;
        }
        let first = below(&mut self.draws, self.tables.len());
        for at in 0..self.tables.len() {
            let table = &self.tables[(first + at) % self.tables.len()];
            let lake = self.tenant.lake();
            let is_there = matches!(upkeep::damage(lake, table).await, Ok(None))
                && lake.table(table).await.is_ok_and(|table| table.exists());
            let done = is_there
                && match event {
                    Event::Table(deed) => does(deed, &self.tenant.lakehouse, table).await,
                    Event::Files(harm) => {
                        harm.can(lake, table).await && {
                            harm.does(lake, table).await;
                            true
                        }
                    }
                    Event::Server(_) => true,
                };
            if done {
                self.tell(&format!("{event:?} at {table}"));
                return true;
            }
        }
        false
    }

    /// A run that ends well, or says what to do.
    async fn run(&mut self, mode: Mode) -> RunReport {
        let report = self.tenant.run(mode, &Layer::ALL).await;
        let wrong: Vec<(&str, &str)> = report
            .steps
            .iter()
            .filter_map(|step| match &step.outcome {
                StepOutcome::Failed(why) | StepOutcome::Incomplete(why) => Some((step.table.as_str(), why.as_str())),
                _ => None,
            })
            .collect();
        self.tell(&format!("a {mode:?} run ends with {}: {wrong:#?}", report.exit_code()));
        assert_eq!(report.exit_code() == 0, wrong.is_empty());
        for (table, why) in &wrong {
            // What fails with another table is told there.
            let follows =
                wrong.iter().any(|(other, _)| why.contains(&format!("reads {other}, which could not be built")));
            assert!(follows || says_what_to_do(why), "{table} doesn't say what to do: {why}");
        }
        if self.source.has_malformed() {
            assert!(report.exit_code() != 0, "there is a record that can't be a row");
        }
        let loaded = report.steps.iter().filter(|step| step.layer == Layer::Bronze).all(|step| !step.is_failed());
        if mode == Mode::Full && loaded {
            self.source.is_hidden = false;
        }
        report
    }

    async fn end(mut self) {
        if self.source.has_malformed() {
            self.run(Mode::Incremental).await;
            self.source.mend(&self.tenant).await;
            self.tell("what couldn't be a row can be one");
        }
        let report = self.run(Mode::Incremental).await;
        if report.exit_code() != 0 || self.source.is_hidden {
            let report = self.run(Mode::Full).await;
            assert_eq!(report.exit_code(), 0, "a full run is the end of it");
        }
        self.tenant.assert_equal(&format!("mix {}", self.number)).await;
        let report = self.run(Mode::Incremental).await;
        assert_eq!(report.exit_code(), 0, "and from there on as ever");
    }
}

fn says_what_to_do(why: &str) -> bool {
    ["connectwise-etl ", "run --", "run again", "--acknowledge"].iter().any(|words| why.contains(words))
}

async fn mix(number: usize) -> BTreeMap<Event, usize> {
    let mut mix = Mix::start(number).await;
    let mut done = BTreeMap::new();
    for event in drawn(number) {
        if mix.happen(event).await {
            *done.entry(event).or_default() += 1;
        }
        if below(&mut mix.draws, 5) == 0 {
            let mode = if below(&mut mix.draws, 3) == 0 { Mode::Full } else { Mode::Incremental };
            mix.run(mode).await;
        }
    }
    mix.end().await;
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn any_mix_of_events_ends_equal_to_the_truth() {
    let mixes = std::env::var("CW_OUTSIDERS").map_or(MIXES, |wanted| wanted.parse().unwrap());
    let mut done: BTreeMap<Event, usize> = BTreeMap::new();
    for number in 0..mixes {
        for (event, times) in mix(number).await {
            *done.entry(event).or_default() += times;
        }
    }
    println!("{done:?}");
    let missing: Vec<_> = events().into_iter().filter(|event| !done.contains_key(event)).collect();
    assert!(missing.is_empty() || mixes < MIXES, "never done: {missing:?}");
}
