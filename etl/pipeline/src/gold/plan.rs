//! The order in which models are built, from what each of them reads.

use connectwise_extract::catalog;
use connectwise_lakehouse::TableName;

use super::inputs::readable;
use super::model::{Model, ModelKind};
use super::{lookups, model, own};
use crate::error::Result;

/// A built-in model as a build goes about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The model, and its table if it has one.
    pub name: String,
    /// What becomes of its rows.
    pub strategy: &'static str,
    /// Column that rows are merged by, empty where there is no table.
    pub key: String,
    /// Models and small tables that the SELECT reads.
    pub reads: Vec<String>,
    /// Silver tables that the SELECT reads, directly or through views.
    pub silver: Vec<String>,
    /// Entities whose change makes the table stale.
    pub inputs: Vec<String>,
}

/// The built-in models in the order in which they are built.
///
/// # Errors
/// [`Kind::Contract`](crate::error::Kind::Contract) when the models' metadata can't be read.
pub fn plan() -> Result<Vec<Planned>> {
    let models = model::models()?;
    let planned = models.iter().enumerate().map(|(at, one)| {
        let before = &models[..at];
        let names = before.iter().map(|other| other.name.as_str()).chain(lookups::NAMES);
        let views = model::views(one, before);
        let tables = readable(catalog::entities()).map(|input| TableName::silver(&input).name);
        Planned {
            name: one.name.clone(),
            strategy: strategy(one),
            key: one.key.clone(),
            reads: names.filter(|name| one.reads(name)).map(str::to_owned).collect(),
            silver: tables.filter(|table| one.reads(table) || views.iter().any(|view| view.reads(table))).collect(),
            inputs: if one.is_table() { one.inputs.clone() } else { own::inputs(one, before) },
        }
    });
    Ok(planned.collect())
}

fn strategy(model: &Model) -> &'static str {
    match model.kind {
        ModelKind::View => "computed where it is read",
        ModelKind::Lookup => "computed once",
        ModelKind::Aggregate => "computed by file",
        ModelKind::Dimension => "computed whole, rows that differ are merged",
        ModelKind::Calendar => "computed whole without a SELECT, rows that differ are merged",
        ModelKind::Fact if model.rows.is_empty() => "computed whole, rows that differ are merged",
        ModelKind::Fact if model.together.is_empty() => "affected rows are computed, those that differ are merged",
        ModelKind::Fact => "affected rows and those that stand with them are computed, those that differ are merged",
    }
}

/// Names of models that read each other in a ring, or one that does.
#[derive(Debug)]
pub(super) struct Ring(pub(super) Vec<String>);

/// The models, each after what it reads, and otherwise in their order.
///
/// # Errors
/// [`Ring`] where there is no such order.
pub(super) fn ordered(mut rest: Vec<Model>) -> Result<Vec<Model>, Ring> {
    let mut done: Vec<Model> = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let is_ready = |model: &Model| rest.iter().all(|other| other.name == model.name || !model.reads(&other.name));
        let Some(ready) = rest.iter().position(is_ready) else {
            return Err(Ring(rest.into_iter().map(|model| model.name).collect()));
        };
        done.push(rest.remove(ready));
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_follows_from_what_is_read() {
        let mut models = model::models().unwrap().to_vec();
        let names = |models: &[Model]| models.iter().map(|model| model.name.clone()).collect::<Vec<_>>();
        let declared = names(&models);
        models.reverse();
        let turned = ordered(models.clone()).unwrap();
        for (at, model) in turned.iter().enumerate() {
            let after = turned.iter().skip(at + 1).find(|other| model.reads(&other.name));
            assert!(after.is_none(), "{} is built before {:?}", model.name, after.map(|other| &other.name));
        }
        assert_eq!(names(&ordered(model::models().unwrap().to_vec()).unwrap()), declared);
        models.iter_mut().find(|model| model.name == "member_costs").unwrap().tables.insert("invoice_lines".to_owned());
        let Ring(names) = ordered(models).unwrap_err();
        assert!(names.contains(&"invoice_lines".to_owned()) && names.contains(&"member_costs".to_owned()), "{names:?}");
        assert!(!names.contains(&"dimcompany".to_owned()), "{names:?}");
    }
}
