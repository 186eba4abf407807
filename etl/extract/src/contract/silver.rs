//! Silver: one flat, typed column for each value that a report can ask for.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use connectwise_sdk::catalog::{Column, Entity, Kind, Meaning};

use super::extra::ExtraType;
use super::{CONTENT_HASH, PARENT_ID, RUN_ID, TIMESTAMP};

/// Whether the record is gone at the source. The row is kept.
pub const IS_DELETED: &str = "isDeleted";
/// Columns that only a history has, in front of those of its entity: what tells a version from all others, from when to when it was
/// valid, and whether it is.
pub const HISTORY: [&str; 4] = ["historyKey", "validFrom", "validTo", "isCurrent"];
/// The audit map of a record, whose keys differ by entity.
const INFO: &str = "_info";
/// Digits of a decimal, and how many of them are behind the point.
pub const DECIMAL: (u8, i8) = (19, 4);

/// Audit columns and the keys of `_info` that fill them, first match first.
const AUDIT: [(&str, &[&str], DataType); 4] = [
    ("lastUpdated", &["lastUpdated"], DataType::Timestamp(TimeUnit::Microsecond, None)),
    ("updatedBy", &["updatedBy"], DataType::Utf8),
    ("dateEntered", &["dateEntered", "createdDate"], DataType::Timestamp(TimeUnit::Microsecond, None)),
    ("enteredBy", &["enteredBy", "createdBy"], DataType::Utf8),
];

/// How a silver column comes out of a bronze row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The value at a path of properties, outermost first.
    Path(Vec<&'static str>, Kind, Meaning),
    /// The first of these keys that the record's `_info` has.
    Audit(&'static [&'static str]),
    /// A technical column of bronze with the same name.
    Technical,
    /// Not from bronze: false until the record is gone.
    Deleted,
    /// A property that the interface document lacks, at a path of properties in what bronze rescued, outermost first.
    Rescued(Vec<String>, ExtraType),
}

/// A column of a silver table.
#[derive(Debug, Clone)]
pub struct SilverColumn {
    /// Name, type and whether it may be NULL.
    pub field: Field,
    /// Where its values come from.
    pub origin: Origin,
    /// What it tells of a person, if it does.
    pub personal: Option<Personal>,
}

/// What a value tells of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    /// The name of somebody who is no member.
    Name,
    /// Anything else that no report needs.
    Detail,
}

impl Personal {
    /// By what the catalogue says of a value.
    pub fn of(meaning: Meaning) -> Option<Self> {
        match meaning {
            Meaning::Name => Some(Self::Name),
            Meaning::Personal => Some(Self::Detail),
            _ => None,
        }
    }
}

impl SilverColumn {
    fn new(name: &str, data_type: DataType, nullable: bool, origin: Origin) -> Self {
        Self { field: Field::new(name, data_type, nullable), origin, personal: None }
    }
}

/// The Arrow schema of an entity's silver table: the key, its other columns in bronze order with references flattened
/// in place, the audit columns, then the technical ones.
///
/// | bronze | silver |
/// |---|---|
/// | declared as money, rate, hours or quantity | `Decimal128(19, 4)` |
/// | declared as a calendar day | `Date32` |
/// | declared as an instant, date-time | `Timestamp(us, UTC)` |
/// | integers, booleans, other numbers | as in bronze |
/// | text, free-form JSON | `Utf8`, trimmed |
/// | array, map | `Utf8`, JSON text |
/// | reference object | its columns, `company.id` as `companyId` |
/// | `_info` | `lastUpdated`, `updatedBy`, `dateEntered`, `enteredBy` |
/// | declared as secret | no column |
///
/// What a privacy policy hashes or drops is in here as it comes: `silver::stored_schema` of the pipeline has
/// what is stored; behind these stand the columns that a project adds ([`ExtraType`]) and those of custom fields, which the data brings.
pub fn silver(entity: &Entity) -> SchemaRef {
    Arc::new(Schema::new(silver_columns(entity).into_iter().map(|column| column.field).collect::<Vec<_>>()))
}

/// The columns of an entity's silver table, in the order of [`silver`].
pub fn silver_columns(entity: &Entity) -> Vec<SilverColumn> {
    let mut names = ColumnNames::new(entity);
    let mut columns = Vec::new();
    for column in entity.columns.iter().filter(|column| column.name != INFO) {
        flatten(&mut names, &mut columns, &[], column, None);
    }
    // A key stands first, where people look for it.
    if let Some(at) = columns.iter().position(|column| is_key(column, entity)) {
        let key = columns.remove(at);
        columns.insert(0, SilverColumn { field: key.field.with_nullable(false), ..key });
    }
    for (name, keys, data_type) in AUDIT {
        if entity.columns.iter().all(|column| !column.name.eq_ignore_ascii_case(name)) {
            let data_type = if data_type == DataType::Utf8 { data_type } else { instant() };
            columns.push(SilverColumn::new(name, data_type, true, Origin::Audit(keys)));
        }
    }
    columns.push(SilverColumn::new(IS_DELETED, DataType::Boolean, false, Origin::Deleted));
    if entity.parent().is_some() {
        columns.push(SilverColumn::new(PARENT_ID, DataType::Int64, false, Origin::Technical));
    }
    for (name, data_type) in [(TIMESTAMP, instant()), (RUN_ID, DataType::Utf8), (CONTENT_HASH, DataType::Int64)] {
        columns.push(SilverColumn::new(name, data_type, false, Origin::Technical));
    }
    columns
}

fn is_key(column: &SilverColumn, entity: &Entity) -> bool {
    matches!(&column.origin, Origin::Path(path, ..) if path.as_slice() == [entity.key])
}

fn flatten(
    names: &mut ColumnNames,
    columns: &mut Vec<SilverColumn>,
    parents: &[&'static str],
    column: &Column,
    personal: Option<Personal>,
) {
    let mut path = parents.to_vec();
    path.push(column.name);
    if column.meaning == Meaning::Secret {
        return;
    }
    // What is inside of something personal is so too.
    let personal = personal.or(Personal::of(column.meaning));
    match column.kind {
        Kind::Struct(inner) => inner.iter().for_each(|inner| flatten(names, columns, &path, inner, personal)),
        // The maps of references hold links, which say nothing that the id doesn't.
        Kind::StringMap if !parents.is_empty() => {}
        kind => {
            let name = names.take(&path);
            let data_type = data_type(kind, column.meaning);
            let column = SilverColumn::new(&name, data_type, true, Origin::Path(path, kind, column.meaning));
            columns.push(SilverColumn { personal, ..column });
        }
    }
}

/// The Arrow type of a value in silver.
fn data_type(kind: Kind, meaning: Meaning) -> DataType {
    match (kind, meaning) {
        (Kind::List(_) | Kind::StringMap | Kind::Struct(_) | Kind::Json, _) => DataType::Utf8,
        (Kind::Boolean, _) => DataType::Boolean,
        (_, Meaning::Decimal) => DataType::Decimal128(DECIMAL.0, DECIMAL.1),
        (Kind::Timestamp | Kind::Utf8, Meaning::Date) => DataType::Date32,
        (Kind::Timestamp, _) | (Kind::Utf8, Meaning::Instant) => instant(),
        (Kind::Int32, _) => DataType::Int32,
        (Kind::Int64, _) => DataType::Int64,
        (Kind::Double, _) => DataType::Float64,
        (Kind::Utf8, _) => DataType::Utf8,
    }
}

/// Type of a point in time: microseconds in UTC.
pub fn instant() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The names that are taken, without regard to case.
struct ColumnNames(HashSet<String>);

impl ColumnNames {
    /// Starts with what can't give way: the record's own scalar properties, audit and technical columns.
    fn new(entity: &Entity) -> Self {
        let own = entity.columns.iter().filter(|column| !matches!(column.kind, Kind::Struct(_)));
        let fixed = AUDIT.iter().map(|(name, ..)| *name).chain([IS_DELETED, TIMESTAMP, RUN_ID, CONTENT_HASH]);
        Self(own.map(|column| column.name).chain(fixed).map(str::to_lowercase).collect())
    }

    fn take(&mut self, path: &[&'static str]) -> String {
        let mut name = legal(&camel(path));
        let [.., parent, _] = path else { return name };
        while !self.0.insert(name.to_lowercase()) {
            name = camel(&[parent, &name]);
        }
        name
    }
}

pub(super) fn camel(path: &[&str]) -> String {
    let mut name = String::new();
    for (at, part) in path.iter().enumerate() {
        let mut letters = part.chars();
        match letters.next() {
            Some(first) if at > 0 => name.extend(first.to_uppercase()),
            Some(first) => name.push(first),
            None => {}
        }
        name.push_str(letters.as_str());
    }
    name
}

/// A name as every engine accepts it: letters, digits and underscores, no digit in front.
pub(super) fn legal(name: &str) -> String {
    let mut legal: String =
        name.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    if !legal.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        legal.insert(0, '_');
    }
    legal
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn column(name: &'static str, kind: Kind, meaning: Meaning) -> Column {
        Column { name, kind, meaning }
    }

    const REFERENCE: &[Column] = &[
        column("_info", Kind::StringMap, Meaning::Plain),
        column("id", Kind::Int32, Meaning::Plain),
        column("type", Kind::Utf8, Meaning::Plain),
    ];

    fn entity(columns: &'static [Column]) -> Entity {
        Entity {
            name: "Thing",
            table: "thing",
            path: "/things",
            count_path: None,
            bundle: None,
            key: "id",
            drains: None,
            load: connectwise_sdk::catalog::Load::Snapshot,
            columns,
            history: false,
            on_request: false,
        }
    }

    fn lines(entity: &Entity) -> Vec<String> {
        silver(entity)
            .fields()
            .iter()
            .map(|field| {
                format!("{} {}{}", field.name(), field.data_type(), if field.is_nullable() { "" } else { " not null" })
            })
            .collect()
    }

    #[test]
    fn references_are_flattened_and_a_taken_name_gets_its_parent_in_front() {
        const THING: &[Column] = &[
            column("_info", Kind::StringMap, Meaning::Plain),
            column("agreement", Kind::Struct(REFERENCE), Meaning::Plain),
            column("agreementType", Kind::Utf8, Meaning::Plain),
            column("cost", Kind::Utf8, Meaning::Decimal),
            column("day", Kind::Timestamp, Meaning::Date),
            column("enteredBy", Kind::Utf8, Meaning::Plain),
            column("id", Kind::Int32, Meaning::Plain),
            column("list", Kind::List(&Kind::Struct(REFERENCE)), Meaning::Plain),
            column("password", Kind::Utf8, Meaning::Secret),
        ];
        let thing = entity(THING);
        assert_eq!(
            lines(&thing),
            [
                "id Int32 not null",
                "agreementId Int32",
                "agreementAgreementType Utf8",
                "agreementType Utf8",
                "cost Decimal128(19, 4)",
                "day Date32",
                "enteredBy Utf8",
                "list Utf8",
                "lastUpdated Timestamp(µs, \"UTC\")",
                "updatedBy Utf8",
                "dateEntered Timestamp(µs, \"UTC\")",
                "isDeleted Boolean not null",
                "etlTimestamp Timestamp(µs, \"UTC\") not null",
                "_etl_run_id Utf8 not null",
                "_etl_content_hash Int64 not null",
            ]
        );
    }

    #[test]
    fn names_are_legal_and_unique_without_regard_to_case() {
        const THING: &[Column] = &[
            column("2nd-name", Kind::Utf8, Meaning::Plain),
            column("a", Kind::Struct(&[column("Bc", Kind::Utf8, Meaning::Plain)]), Meaning::Plain),
            column("aB", Kind::Struct(&[column("c", Kind::Utf8, Meaning::Plain)]), Meaning::Plain),
            column("is", Kind::Struct(&[column("deleted", Kind::Boolean, Meaning::Plain)]), Meaning::Plain),
            column("id", Kind::Int32, Meaning::Plain),
        ];
        let thing = entity(THING);
        let schema = silver(&thing);
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).take(5).collect();
        assert_eq!(names, ["id", "_2nd_name", "aBc", "aBABC", "isIsDeleted"]);
    }
}
