//! The bronze step of one list: opens its table, loads it and reports the result.

use connectwise_extract::read::source_error;
use connectwise_lakehouse::{Table, TableName};
use connectwise_sdk::Client;
use connectwise_sdk::catalog::Entity;

use super::plan::{Run, at};
use super::{Meter, Mode, Step, damage};
use crate::bronze::{self, Foreknown, LoadRequest};
use crate::children;
use crate::error::Result;
use crate::halt::Trouble;
use crate::quarantine;

/// A bronze table that is ready to be loaded.
#[derive(Debug)]
pub(super) struct Ready {
    /// The table at the version before the first request.
    pub(super) table: Table,
    pub(super) request: LoadRequest,
    /// Whether the table was marked as incomplete.
    untrusted: bool,
    /// Records in quarantine, as the table's own transaction counts them.
    remembered: u64,
    /// How many of them another writer removed from the quarantine.
    lost: u64,
    /// Damage that was repaired, as a text for people.
    pub(super) mended: Option<String>,
}

impl Ready {
    /// Adds what the survey found out.
    pub(super) fn knowing(self, known: Foreknown) -> Self {
        Self { request: LoadRequest { known, ..self.request }, ..self }
    }
}

/// A list to load, and its table if that is open already.
#[derive(Debug)]
pub(super) struct ListTarget {
    pub(super) entity: &'static Entity,
    pub(super) ready: Option<Ready>,
}

impl Run<'_> {
    /// Opens a bronze table, repairs it if needed, and builds the request of its load.
    ///
    /// # Errors
    /// When the table or the quarantine can't be read or repaired.
    pub(super) async fn ready(&self, entity: &Entity) -> Result<Ready> {
        let (table, mended) = damage::bronze(self.lake, entity, self.plan.mode, &self.run_id).await?;
        let untrusted = table.is_untrusted().await?;
        let open = async || self.lake.table(&quarantine::table()).await;
        let quarantine = self.quarantine.get_or_try_init(open).await?;
        let remembered = quarantine::remembered(&table).await?;
        let lost = quarantine::lost(quarantine, entity, remembered).await?;
        let request = LoadRequest {
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
        Ok(Ready { table, request, untrusted, remembered, lost, mended })
    }

    /// Loads one list. Returns the step, and the table at its version after the step if that succeeded.
    pub(super) async fn bronze(&self, client: &Client, to: ListTarget, meter: &Meter) -> (Step, Option<Table>) {
        let client = client.with_own_stats();
        let ListTarget { entity, mut ready } = to;
        let table = TableName::bronze(entity.table);
        let (mut step, loaded) = self
            .step(table, &[], meter, async |step, meter| {
                // A repeated step opens its table again, as that was repaired meanwhile.
                let ready = match ready.take() {
                    Some(ready) => ready,
                    None => self.ready(entity).await?,
                };
                let Ready { table, request, untrusted, remembered, lost, mended, .. } = ready;
                step.warnings.extend(mended);
                let bronze = table.name();
                let loaded = match entity.parent() {
                    Some(parent) => children::load(&table, &client, (entity, parent), &request, meter).await,
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
                    let of = quarantine::table();
                    let name = entity.name;
                    step.warnings.push(format!(
                        "{lost} records of {name} were taken out of {of} by another writer, so all of {name} was read again"
                    ));
                }
                let version = loaded.written.version;
                let quarantined = loaded.quarantined;
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

    /// The failed step of a list whose server couldn't be connected to.
    pub(super) async fn unreached(&self, entity: &'static Entity, why: connectwise_sdk::Error) -> Step {
        let mut why = Some(why);
        let ask = async |_: &mut Step, _: &Meter| match why.take() {
            Some(why) => Err(source_error(entity, why).into()),
            None => Ok(()),
        };
        self.step(TableName::bronze(entity.table), &[], &Meter::default(), ask).await.0
    }
}
