//! Building one fact: the rows that changes can have reached, or all of them where that isn't known.

use std::collections::BTreeSet;

use connectwise_lakehouse::{Commit, TableName};
use datafusion::prelude::SessionContext;

use super::affected::{LOOKUPS_MARK, Search};
use super::model::Model;
use super::state::{self, State};
use super::{Builder, MODELS_MARK, failed, in_model, write};
use crate::error::Result;
use crate::silver::same_columns;
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
        let commit = commit.mark(LOOKUPS_MARK, state.number());
        let state = self.lookups.insert(state);
        let table = TableName::gold(&model.name);
        let stored = self.run.lake.state(&table).await?;
        let same_models = self.run.lake.mark(&table, MODELS_MARK).await? == Some(self.fingerprints[1].1);
        let affected = if self.run.mode == Mode::Incremental
            && !self.run.dry
            && same_models
            && self.run.known.doubt(model).is_none()
            && stored.as_ref().is_some_and(|stored| same_columns(stored, &model.schema))
        {
            let search = Search { lake: &self.run.lake, session, inputs: &self.inputs, state, model };
            search.run().await?.map(|affected| (search, affected))
        } else {
            None
        };
        let Some((search, affected)) = affected else {
            let frame = sql::select(session, &model.sql).await.map_err(|error| in_model(model, error))?;
            return self.write(session, model, write::conform(model, frame)?, &commit).await;
        };
        if affected.is_empty() {
            return self.run.remark(session, model, &commit).await;
        }
        let narrow = search.narrow(self.models, &affected).await?;
        let before = search.stored(&affected).await?;
        let frame = sql::select(&narrow, &model.sql).await.map_err(|error| in_model(model, error))?;
        let frame = write::conform(model, frame)?;
        let checks = self.checks(session, model).await?;
        let stored = self.stored_sums(model, &checks).await?;
        let checks = checks.in_place_of(model, &before, stored)?;
        let report = self.run.merge(session, model, frame, &before, &checks, &commit).await;
        self.finish(session, model, &checks, report).await
    }

    /// Notes what every lookup that reaches a fact says now.
    async fn note_lookups(&self, session: &SessionContext) -> Result<State> {
        let version = self.run.lake.version(&state::table()).await?;
        let known = State::load(&self.run.lake, self.run.known.lookups_are_lost, self.run.started).await;
        let mut state = known.unwrap_or_else(|error| {
            tracing::warn!("{}; every row that a lookup reaches is computed again", error.report());
            State::beyond(self.run.started)
        });
        state.version = version;
        let through = self.models.iter().flat_map(|model| model.rows.values()).flat_map(|rows| rows.through.keys());
        for lookup in through.collect::<BTreeSet<_>>() {
            let frame = session.table(lookup.as_str()).await.map_err(failed)?;
            let schema = frame.schema().inner().clone();
            state.note(lookup, &schema, &frame.collect().await.map_err(failed)?)?;
        }
        if !self.run.dry {
            state.save(&self.run.lake, session, &self.run.id).await?;
        }
        Ok(state)
    }
}
