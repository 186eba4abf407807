//! What is wrong with the models of a user's project, as far as their files say it.

use std::collections::BTreeSet;

use arrow::datatypes::DataType;
use connectwise_extract::catalog;
use connectwise_lakehouse::TableName;

use super::inputs::readable;
use super::model::{Model, ModelKind};
use super::own::OwnModels;
use super::{keys, lookups};

/// How the names of tables begin that a build has in its session, beside the models.
const RESERVED_PREFIXES: [&str; 4] = ["__", "bronze_cw_", "silver_cw_", "etl_"];

/// A sentence for each thing that is wrong.
pub(super) fn problems(files: &OwnModels, own: &[Model], built_in: &[Model]) -> Vec<String> {
    let metadata = files.metadata_file().display().to_string();
    // Names of tables are folders, and many file systems don't tell cases apart.
    let mut taken: BTreeSet<String> = built_in.iter().map(|model| model.name.to_lowercase()).collect();
    taken.extend(lookups::NAMES.iter().map(|name| (*name).to_owned()));
    taken.insert(keys::TABLE.to_owned());
    let lookups: BTreeSet<&str> = built_in
        .iter()
        .chain(own)
        .filter(|model| matches!(model.kind, ModelKind::Lookup | ModelKind::Aggregate))
        .map(|model| model.name.as_str())
        .chain(lookups::NAMES)
        .collect();
    let mut found = Vec::new();
    for model in own {
        let name = &model.name;
        if !TableName::is_name(name) {
            found.push(format!(
                "{metadata} declares {name:?}, which is no name for a model: it has letters, digits and underscores, 128 at most, \
                 and no digit in front"
            ));
            continue;
        }
        let wrong = of_model(files, model, &mut taken, &lookups);
        found.extend(wrong.into_iter().map(|what| format!("{metadata} declares {name}, {what}")));
    }
    let undeclared = files.names().filter(|name| own.iter().all(|model| model.name != **name));
    found.extend(
        undeclared
            .map(|name| format!("{} is declared nowhere: add a [[model]] {name} to {metadata}", files.file(name))),
    );
    found
}

fn of_model(files: &OwnModels, model: &Model, taken: &mut BTreeSet<String>, lookups: &BTreeSet<&str>) -> Vec<String> {
    let mut wrong = Vec::new();
    let file = files.file(&model.name);
    match files.sql(&model.name) {
        None => wrong.push(format!("and there is no {file}")),
        Some(sql) if sql.trim().is_empty() => wrong.push(format!("and {file} is empty")),
        Some(_) => {}
    }
    let name = model.name.to_lowercase();
    let reserved = RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    if !taken.insert(name) || reserved {
        wrong.push("a name that is taken: call the model and its file something else".to_owned());
    }
    match model.kind {
        ModelKind::Calendar => wrong.push("a calendar, and there is only the one that is built in".to_owned()),
        ModelKind::Aggregate => {
            wrong.push("as an aggregate, and only models that are built in are: make it a lookup".to_owned());
        }
        _ => {}
    }
    let column = |name: &str| model.schema.field_with_name(name).ok();
    if model.is_table() && column(&model.key).is_none() {
        wrong.push(format!("with the key {:?}, which is none of its columns", model.key));
    }
    if model.kind == ModelKind::Dimension && column(&model.natural).is_none() {
        wrong.push(format!("with the natural key {:?}, which is none of its columns", model.natural));
    }
    let tested = model.tests.accepted.keys().chain(model.tests.expected.keys()).filter(|name| column(name).is_none());
    wrong.extend(tested.map(|name| format!("with a test of {name:?}, which is none of its columns")));
    let described = model.described.keys().filter(|name| column(name).is_none());
    wrong.extend(described.map(|name| format!("with a description of {name:?}, which is none of its columns")));
    let summed = &model.tests.balance_where;
    if !summed.is_empty() && column(summed).is_none_or(|field| *field.data_type() != DataType::Boolean) {
        wrong.push(format!("with the balance_where {summed:?}, which is no boolean column of it"));
    }
    let unless = model
        .tests
        .balance_unless
        .keys()
        .filter(|name| column(name).is_none_or(|field| *field.data_type() != DataType::Utf8));
    wrong.extend(unless.map(|name| format!("with balance_unless of {name:?}, which is no text column of it")));
    for adds_up in &model.tests.adds_up {
        if column(&adds_up.sum).is_none_or(|field| !field.data_type().is_decimal()) {
            wrong.push(format!("with adds_up of {:?}, which is no money column of it", adds_up.sum));
        }
        match adds_up.by(model) {
            "" => wrong.push("with adds_up, and without by or together: nothing says which rows are summed".to_owned()),
            by if column(by).is_none_or(|field| !field.data_type().is_integer()) => {
                wrong.push(format!("with adds_up by {by:?}, which is no integer column of it"));
            }
            _ => {}
        }
    }
    if !model.together.is_empty() && column(&model.together).is_none() {
        wrong.push(format!("with together = {:?}, which is none of its columns", model.together));
    }
    let known = |entity: &str| catalog::entities().iter().any(|known| known.table == entity);
    let inputs = model.inputs.iter().filter(|input| !readable(catalog::entities()).any(|known| known == **input));
    let entities = model.tests.fresh.keys().map(|entity| ("freshness", entity));
    let entities =
        entities.chain(model.rows.keys().map(|entity| ("rows", entity))).filter(|(_, entity)| !known(entity));
    for (what, entity) in inputs.map(|input| ("input", input)).chain(entities) {
        wrong.push(match what {
            "input" => format!("with the input {entity:?}, which is no entity of the lake"),
            what => format!("with the {what} of {entity:?}, which is no entity of the lake"),
        });
    }
    for rows in model.rows.values() {
        if rows.id.is_empty() && model.together.is_empty() {
            wrong.push("with rows that have neither an id nor rows that they stand together with".to_owned());
        } else if !rows.id.is_empty() && column(&rows.id).is_none() {
            wrong.push(format!("with rows by the id {:?}, which is none of its columns", rows.id));
        }
        let unknown = rows.through.keys().filter(|lookup| !lookups.contains(lookup.as_str()));
        wrong.extend(unknown.map(|lookup| format!("with rows through {lookup:?}, which is no lookup")));
    }
    wrong
}
