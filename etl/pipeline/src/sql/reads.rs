//! How often a SELECT reads tables, once each name of its WITH is replaced by what it stands for, which planning does: forty names
//! that each read the one before twice are a trillion reads.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Ident, ObjectName, Query, Statement, Visit, Visitor};

/// Reads that can be planned in a bearable time.
pub(super) const MOST_READS: u64 = 500;

/// Counts the reads of a statement, each query as one at least.
pub(super) fn reads(statement: &Statement) -> u64 {
    let mut counter = Counter { open: vec![Scope::default()], named: HashMap::new() };
    let _ = statement.visit(&mut counter);
    counter.open.first().map_or(0, |outermost| outermost.reads)
}

/// A query that is being visited.
#[derive(Default)]
struct Scope {
    reads: u64,
    /// Reads of each name of its WITH so far: they are visited before what may read them.
    names: HashMap<String, u64>,
}

struct Counter {
    open: Vec<Scope>,
    /// Names of the queries that a WITH names, by where they are in memory, which tells them apart.
    named: HashMap<usize, String>,
}

impl Visitor for Counter {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for named in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.named.insert(place(&named.query), folded(&named.alias.name));
        }
        self.open.push(Scope::default());
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let [part] = relation.0.as_slice() else { return self.add(1) };
        let name = part.as_ident().map(folded);
        let reads = name.and_then(|name| self.open.iter().rev().find_map(|scope| scope.names.get(&name)).copied());
        self.add(reads.unwrap_or(1))
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let reads = self.open.pop().map_or(1, |scope| scope.reads.max(1));
        match (self.named.remove(&place(query)), self.open.last_mut()) {
            (Some(name), Some(around)) => {
                around.names.insert(name, reads);
                ControlFlow::Continue(())
            }
            _ => self.add(reads),
        }
    }
}

impl Counter {
    fn add(&mut self, reads: u64) -> ControlFlow<()> {
        if let Some(scope) = self.open.last_mut() {
            scope.reads = scope.reads.saturating_add(reads);
        }
        ControlFlow::Continue(())
    }
}

fn place(query: &Query) -> usize {
    std::ptr::from_ref(query).addr()
}

/// Names that differ in case only are taken for one: that counts more rather than less.
fn folded(name: &Ident) -> String {
    name.value.to_lowercase()
}
