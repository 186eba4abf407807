//! Bronze held against what a simulated tenant has.

use std::collections::BTreeMap;

use connectwise_sdk::catalog::Entity;
use connectwise_sim::Simulator;
use connectwise_tests::{Lakehouse, by_key};
use serde_json::Value;

use crate::steer::ask;

/// Rows by key.
pub(crate) type Rows = BTreeMap<i64, Value>;

/// All rows of an entity as the simulator has them now, by key.
pub(crate) async fn truth(simulator: &Simulator, entity: &Entity) -> Rows {
    let path = entity.path.replace("{parentId}", "*");
    let rows: Vec<Value> = serde_json::from_value(ask(simulator, &format!("truth?path={path}")).await).unwrap();
    by_key(entity, &rows).unwrap()
}

/// All rows of an entity's bronze table, rebuilt as JSON, by key; fails where a key is there twice.
pub(crate) async fn stored(lakehouse: &Lakehouse, entity: &Entity) -> Rows {
    by_key(entity, &lakehouse.records(entity).await.unwrap()).unwrap()
}

/// Fails unless bronze is what the server has, row for row and value for value; `when` says at what point it isn't.
pub(crate) async fn assert_truth(
    simulator: &Simulator,
    lakehouse: &Lakehouse,
    entities: impl IntoIterator<Item = &Entity>,
    when: &str,
) {
    let mut differences = Vec::new();
    for entity in entities {
        let (truth, stored) = (truth(simulator, entity).await, stored(lakehouse, entity).await);
        assert!(!truth.is_empty(), "{} has no rows to compare", entity.name);
        let name = entity.name;
        for (key, row) in &truth {
            match stored.get(key) {
                Some(found) if found == row => {}
                Some(found) => differences.push(format!("{name} {key}: the server has {row}, bronze {found}")),
                None => differences.push(format!("{name} {key} is missing")),
            }
        }
        let gone = stored.keys().filter(|key| !truth.contains_key(*key));
        differences.extend(gone.map(|key| format!("{name} {key} is in bronze only")));
    }
    let some: Vec<_> = differences.iter().take(5).collect();
    assert!(differences.is_empty(), "{when}: {} differences: {some:#?}", differences.len());
}
