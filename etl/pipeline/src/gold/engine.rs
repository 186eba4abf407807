//! Who computes all rows of a fact: the session of the build, or a cluster.
//!
//! Everything else is the same for both: which facts are looked at, the surrogate keys that their rows carry, their data tests, the
//! comparison with what is stored, and the commit.

use std::sync::Arc;

use connectwise_lakehouse::ExchangeFolder;
use datafusion::prelude::{DataFrame, SessionContext};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::cluster::{Cluster, OnCluster};
use super::in_model;
use super::inputs::Inputs;
use super::model::Model;
use super::write::GoldRun;
use crate::error::Result;
use crate::sql;

/// A fact whose rows are to be computed, all of them.
#[derive(Clone, Copy)]
pub(super) struct WholeFact<'a> {
    pub(super) model: &'a Model,
    pub(super) models: &'a [Model],
    pub(super) run: &'a GoldRun,
    pub(super) inputs: &'a Inputs,
    /// The session of the build: everything that the SELECT reads is in it.
    pub(super) session: &'a SessionContext,
}

/// Rows of a fact, and where they are until they were written.
pub(super) struct ComputedRows {
    /// They are computed or read when it is run, which may be more than once.
    pub(super) frame: DataFrame,
    pub(super) folder: Option<ExchangeFolder>,
}

impl ComputedRows {
    /// Removes what the rows were read from, after they were written, or weren't.
    pub(super) async fn discard(folder: Option<ExchangeFolder>) {
        let Some(folder) = folder else { return };
        if let Err(error) = folder.remove().await {
            // What stays is removed by a later run.
            tracing::warn!("{}", error.report());
        }
    }
}

/// Computes facts.
pub(super) trait Engine: Send + Sync {
    /// The rows of a fact.
    fn rows<'a>(&'a self, fact: WholeFact<'a>) -> BoxFuture<'a, Result<ComputedRows>>;
}

/// The engine of a build: that of the cluster, where there is one.
pub(super) fn engine(cluster: Option<Arc<dyn Cluster>>) -> Arc<dyn Engine> {
    match cluster {
        Some(cluster) => Arc::new(OnCluster { cluster, here: Embedded }),
        None => Arc::new(Embedded),
    }
}

/// The session of the build, in this process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Embedded;

impl Engine for Embedded {
    fn rows<'a>(&'a self, fact: WholeFact<'a>) -> BoxFuture<'a, Result<ComputedRows>> {
        async move {
            let frame = sql::select(fact.session, &fact.model.sql).await;
            let frame = frame.map_err(|error| in_model(fact.model, error))?;
            Ok(ComputedRows { frame, folder: None })
        }
        .boxed()
    }
}
