//! Building one fact: the rows that changes can have reached, which this process computes, or all of them where that isn't known,
//! which is the engine's to do.

use std::collections::BTreeSet;

use connectwise_lakehouse::Commit;
use datafusion::prelude::SessionContext;

use super::affected::{LOOKUPS, Search};
use super::engine::{ComputedRows, WholeFact};
use super::lookup_state::LookupState;
use super::model::Model;
use super::write::ModelRows;
use super::{Builder, MODELS, failed, in_model, write};
use crate::error::Result;
use crate::sql;
use crate::telemetry::{Mode, TableReport};

impl Builder<'_> {
    /// Builds a fact: the rows that changes can have reached, or all where that isn't known.
    pub(super) async fn fact(
        &mut self,
        session: &SessionContext,
        model: &Model,
        commit: Commit,
    ) -> Result<TableReport> {
        let state = match self.lookups.take() {
            Some(state) => state,
            None => self.note_lookups(session).await?,
        };
        let commit = commit.transaction(LOOKUPS, state.number());
        let state = self.lookups.insert(state);
        let table = self.run.known.table(model)?;
        let same_models = table.transaction(MODELS).await? == Some(self.fingerprints.models(model));
        let affected = if self.run.mode == Mode::Incremental
            && !self.run.dry
            && same_models
            && self.run.known.doubt(model).is_none()
            && write::has_columns(table, model)
        {
            let search = Search { table, session, inputs: self.inputs, state, model };
            search.run().await?.map(|affected| (search, affected))
        } else {
            None
        };
        let Some((search, affected)) = affected else {
            return self.whole(session, model, &commit).await;
        };
        if affected.is_empty() {
            return self.run.note_inputs(model, &commit).await;
        }
        let narrow = search.narrow(self.models, &affected).await?;
        let before = search.stored(&affected).await?;
        let frame = sql::select(&narrow, &model.sql).await.map_err(|error| in_model(model, error))?;
        let frame = write::conform(model, frame)?;
        let checks = self.checks(session, &narrow, model).await?;
        let stored = self.stored_sums(model, &checks).await?;
        let checks = checks.in_place_of(model, &before, stored, &affected.together)?;
        let selected = ModelRows { model, frame, checks: &checks };
        let report = self.run.merge(selected, &before, &commit).await;
        self.finish(session, model, &checks, report).await
    }

    /// Builds a fact from all of its rows.
    async fn whole(&mut self, session: &SessionContext, model: &Model, commit: &Commit) -> Result<TableReport> {
        let engine = self.engine.clone();
        let fact = WholeFact { model, models: self.models, run: &self.run, inputs: self.inputs, session };
        let ComputedRows { frame, folder } = engine.rows(fact).await?;
        let report = match write::conform(model, frame) {
            Ok(frame) => self.write(session, model, frame, commit).await,
            Err(error) => Err(error),
        };
        ComputedRows::discard(folder).await;
        report
    }

    /// Notes what every lookup that reaches a fact says now.
    async fn note_lookups(&self, session: &SessionContext) -> Result<LookupState> {
        let known = &self.run.known;
        let known = LookupState::load(&known.lookups, known.lookups_are_lost, self.run.started).await;
        let mut state = known.unwrap_or_else(|error| {
            tracing::warn!("{}; every row that a lookup reaches is computed again", error.report());
            LookupState::beyond(self.run.started)
        });
        let through = self.models.iter().flat_map(|model| model.rows.values()).flat_map(|rows| rows.through.keys());
        for lookup in through.collect::<BTreeSet<_>>() {
            // A lookup that could not be built; the models that read it aren't built either.
            if !session.table_exist(lookup.as_str()).map_err(failed)? {
                continue;
            }
            let frame = session.table(lookup.as_str()).await.map_err(failed)?;
            let schema = frame.schema().inner().clone();
            state.note(lookup, &schema, &frame.collect().await.map_err(failed)?)?;
        }
        if !self.run.dry {
            state.save(&self.run.known.lookups, &self.run.id).await?;
        }
        Ok(state)
    }
}
