//! The bronze step of one list: its table is made ready, loaded, and the step says what came of it.

use connectwise_extract::read::source_error;
use connectwise_lakehouse::{Table, TableName};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;

use super::plan::{Run, at};
use super::{Meter, Mode, Step, damage};
use crate::bronze::{self, Foreknown, Request};
use crate::children;
use crate::error::Result;
use crate::halt::Trouble;
use crate::quarantine;

/// A table that is going to be loaded.
#[derive(Debug)]
pub(super) struct Ready {
    /// As it was before the server was asked anything.
    pub(super) table: Table,
    pub(super) request: Request,
    /// Whether it was marked as not whole.
    untrusted: bool,
    /// Records that the table remembers to be in quarantine.
    remembered: u64,
    /// Those among them that others took out of it.
    lost: u64,
    /// What was wrong with it, in words for people.
    pub(super) mended: Option<String>,
    /// Records that the load is going to read, as far as that is known.
    pub(super) records: u64,
}

impl Ready {
    /// The same, where something is known of the list. One that wasn't counted asks for itself, so it isn't one without records.
    pub(super) fn knowing(self, known: Foreknown, records: Option<u64>) -> Self {
        Self { request: Request { known, ..self.request }, records: records.unwrap_or(1), ..self }
    }
}

/// A list, and what was made ready for its load.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) entity: &'static Entity,
    pub(super) ready: Option<Ready>,
}

impl Run<'_> {
    /// Sees to it that a table can be loaded, and says how.
    ///
    /// # Errors
    /// When it can't be.
    pub(super) async fn ready(&self, entity: &Entity) -> Result<Ready> {
        let (table, mended) = damage::bronze(self.lake, entity, self.plan.mode, &self.run_id).await?;
        let untrusted = table.is_untrusted().await?;
        let open = async || self.lake.table(&quarantine::table()).await;
        let quarantine = self.quarantine.get_or_try_init(open).await?;
        let remembered = quarantine::remembered(&table).await?;
        let lost = quarantine::lost(quarantine, entity, remembered).await?;
        let request = Request {
            quarantine: quarantine.clone(),
            mode: if untrusted || lost > 0 { Mode::Full } else { self.plan.mode },
            window: self.plan.window,
            dates: self.dates.clone(),
            shared: self.shared.clone(),
            known: Foreknown::default(),
            page_size: self.plan.page_size,
            secrets: self.plan.privacy.secrets(),
            options: self.plan.load,
            run_id: self.run_id.clone(),
            started: self.started,
            owner: self.owner,
        };
        Ok(Ready { table, request, untrusted, remembered, lost, mended, records: 0 })
    }

    /// The table is given as it is after the step.
    pub(super) async fn bronze(&self, client: &Client, to: Target, meter: &Meter) -> (Step, Option<Table>) {
        let client = client.with_own_stats();
        let Target { entity, mut ready } = to;
        let table = TableName::bronze(entity.table);
        let (mut step, loaded) = self
            .step(table, &[], meter, async |step, meter| {
                // A step that begins again finds another table than the one that was made ready.
                let ready = match ready.take() {
                    Some(ready) => ready,
                    None => self.ready(entity).await?,
                };
                let Ready { table, request, untrusted, remembered, lost, mended, .. } = ready;
                step.warnings.extend(mended);
                let bronze = table.name();
                let loaded = match entity.parent() {
                    Some(parent) => children::load(&table, &client, entity, parent, &request, meter).await,
                    None => bronze::load(&table, &client, entity, &request, meter).await,
                };
                let optional = self.plan.optional.contains(&entity.name);
                let loaded = match loaded {
                    Err(error) if optional && error.is_shut() => {
                        let name = entity.name;
                        step.trouble = Trouble::of(&error);
                        step.skipped(format!("skipped: the role may not read {name}, and it is optional ({error})"));
                        return Ok(table);
                    }
                    loaded => loaded?,
                };
                if untrusted && loaded.incomplete.is_none() {
                    self.lake.trust(bronze, &self.run_id).await?;
                    step.warnings.push(format!("{bronze} was marked as not whole, so all of it was read again"));
                }
                if optional && self.skipped.contains(&step.table) {
                    step.warnings.push(format!("the role may read {} now, which runs before skipped", entity.name));
                }
                if lost > 0 {
                    let (of, name) = (quarantine::table(), entity.name);
                    step.warnings.push(format!(
                        "{lost} records of {name} were taken out of {of} by another writer, so all of {name} was read again"
                    ));
                }
                let (version, quarantined) = (loaded.written.version, loaded.quarantined);
                loaded.tell(step);
                let table = at(&table, version).await?;
                if quarantined == 0 && remembered == 0 {
                    return Ok(table);
                }
                quarantine::remember(table, entity, remembered, &self.run_id).await
            })
            .await;
        step.spent(client.stats());
        (step, loaded)
    }

    /// What becomes of a list whose server nobody reached when it was asked about itself.
    pub(super) async fn unreached(&self, entity: &'static Entity, why: connectwise_sdk::Error) -> Step {
        let mut why = Some(why);
        let ask = async |_: &mut Step, _: &Meter| match why.take() {
            Some(why) => Err(source_error(entity, why).into()),
            None => Ok(()),
        };
        self.step(TableName::bronze(entity.table), &[], &Meter::default(), ask).await.0
    }
}
