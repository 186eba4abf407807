//! Columns of properties that the interface document lacks, as a project adds them.
//!
//! A column whose entry is gone stays, NULL in every row, as one that a policy drops: a report may be bound to it.

use arrow::datatypes::{Field, Schema};
use connectwise_extract::contract::{ExtraType, Origin, SilverColumn, silver_columns};
use connectwise_extract::extra::ExtraColumns;
use connectwise_sdk::catalog::Entity;

/// Marks of such a column in the table's schema: the path of the property, and its type as configuration spells it.
const PATH: &str = "connectwise.extra";
const TYPE: &str = "connectwise.extraType";

/// A column that a project adds, or added once.
#[derive(Debug, Clone)]
pub(crate) struct ExtraColumn {
    pub(crate) column: SilverColumn,
    /// Whether its entry is still there.
    pub(crate) is_configured: bool,
}

/// The columns of an entity's table, by their paths: those of the configuration, and those that a stored table has from entries that
/// are gone.
pub(crate) fn columns(entity: &Entity, extra: &ExtraColumns, stored: Option<&Schema>) -> Vec<ExtraColumn> {
    let mut all: Vec<ExtraColumn> =
        extra.of(entity).map(|column| ExtraColumn { column: marked(column.clone()), is_configured: true }).collect();
    let contract = silver_columns(entity);
    for column in stored.into_iter().flat_map(|schema| schema.fields()).filter_map(|field| of_field(field)) {
        // The document may have the property by now.
        let own = contract.iter().chain(all.iter().map(|known| &known.column));
        let name = column.field.name();
        if own.into_iter().all(|own| !own.field.name().eq_ignore_ascii_case(name)) {
            all.push(ExtraColumn { column: marked(column), is_configured: false });
        }
    }
    all.sort_by(|one, other| path(&one.column).cmp(path(&other.column)));
    all
}

/// What the marks of a column say, in an order that can be compared; nothing where it isn't such a column.
pub(super) fn marks(field: &Field) -> [Option<&String>; 2] {
    [PATH, TYPE].map(|mark| field.metadata().get(mark))
}

/// Whether a column of a stored table is one of these.
pub(super) fn is_extra(field: &Field) -> bool {
    field.metadata().contains_key(PATH)
}

fn of_field(field: &Field) -> Option<SilverColumn> {
    let [Some(path), Some(kind)] = marks(field) else { return None };
    Some(SilverColumn::extra(path.split('/').map(str::to_owned).collect(), ExtraType::named(kind)?, None))
}

fn marked(column: SilverColumn) -> SilverColumn {
    let Origin::Rescued(path, kind) = &column.origin else { return column };
    let marks = [(PATH, path.join("/")), (TYPE, kind.name().to_owned())];
    let marks = marks.into_iter().map(|(mark, text)| (mark.to_owned(), text)).collect();
    SilverColumn { field: column.field.with_metadata(marks), ..column }
}

fn path(column: &SilverColumn) -> &[String] {
    match &column.origin {
        Origin::Rescued(path, _) => path,
        _ => &[],
    }
}
