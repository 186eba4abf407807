//! A simulated tenant whose answers to conditions are compared with what the conditions mean.

use std::cmp::Ordering;

use connectwise_sdk::{
    Client, Condition, ListRequest, Page,
    conditions::{Field, Value as Literal},
};
use connectwise_sim::Simulator;
use futures::TryStreamExt as _;
use proptest::prelude::*;
use serde_json::Value;
use tokio::runtime::Runtime;

/// A comparison, apart from how it is written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl Operator {
    pub(crate) fn condition(self, field: &Field, value: Literal) -> Condition {
        match self {
            Self::Eq => field.eq(value),
            Self::Ne => field.ne(value),
            Self::Lt => field.lt(value),
            Self::Le => field.le(value),
            Self::Gt => field.gt(value),
            Self::Ge => field.ge(value),
        }
    }

    pub(crate) fn allows(self, order: Ordering) -> bool {
        match self {
            Self::Eq => order.is_eq(),
            Self::Ne => order.is_ne(),
            Self::Lt => order.is_lt(),
            Self::Le => order.is_le(),
            Self::Gt => order.is_gt(),
            Self::Ge => order.is_ge(),
        }
    }
}

pub(crate) fn operator() -> impl Strategy<Value = Operator> {
    use Operator::{Eq, Ge, Gt, Le, Lt, Ne};
    prop::sample::select(vec![Eq, Ne, Lt, Le, Gt, Ge])
}

/// Neither case nor blanks at the end of a text count.
pub(crate) fn folded(text: &str) -> String {
    text.trim_end_matches(' ').to_lowercase()
}

fn id(row: &Value) -> i64 {
    row["id"].as_i64().unwrap()
}

/// A simulated tenant, a client of it, and all rows of one list.
pub(crate) struct Tenant {
    pub(crate) runtime: Runtime,
    _simulator: Simulator,
    pub(crate) client: Client,
    path: &'static str,
    pub(crate) rows: Vec<Value>,
}

impl Tenant {
    pub(crate) fn new(path: &'static str) -> Self {
        let runtime = Runtime::new().unwrap();
        let (simulator, client, rows) = runtime.block_on(async {
            // What some servers refuse or ignore means something to others.
            let simulator = ["enumerations=texts", "null-references=understood", "percent=wildcard"]
                .into_iter()
                .fold(Simulator::builder().seed(1).scale(300), |builder, switch| builder.switch(switch));
            let simulator = simulator.start().await.unwrap();
            let client = crate::simulated::client(&simulator);
            let rows = simulator.truth(path).unwrap();
            (simulator, client, rows)
        });
        Self { runtime, _simulator: simulator, client, path, rows }
    }

    /// The ids of the rows that the server lists.
    pub(crate) fn ids(&self, narrow: impl FnOnce(ListRequest) -> ListRequest) -> Vec<i64> {
        let listing = narrow(self.client.list(self.path).fields("id").page_size(100));
        let pages: Vec<Page> = self.runtime.block_on(listing.pages().try_collect()).unwrap();
        let records = pages.iter().flat_map(|page| page.records().unwrap());
        records.map(|record| id(&serde_json::from_str(record.get()).unwrap())).collect()
    }

    /// The ids of the rows that it has to list.
    pub(crate) fn wanted(&self, holds: impl Fn(&Value) -> bool) -> Vec<i64> {
        self.rows.iter().filter(|row| holds(row)).map(id).collect()
    }
}
