//! Which columns a silver table has: those of its contract under a privacy policy, then those of its custom fields.
//!
//! What a policy did is written into the table's own schema, so that a build sees whether the stored rows are those of the
//! policy that holds now, and gold sees which columns are missing on purpose.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use connectwise_extract::contract::{Origin, SilverColumn, silver_columns};
use connectwise_extract::privacy::{HashKey, Privacy, Treatment};
use connectwise_sdk::catalog::{Entity, Kind, Meaning};

use super::custom::CustomColumn;
use super::guard::Guard;
use crate::error::{Error, Kind as ErrorKind, Result};

/// Mark of a hashed column in the schema; its value tells the key.
const HASHED: &str = "connectwise.hashed";
/// Mark of the key column: the columns that the policy dropped, comma-separated.
const DROPPED: &str = "connectwise.dropped";
/// Mark of the key column: whether personal values inside of JSON texts are kept.
const NESTED: &str = "connectwise.personal";

/// A column of the contract that is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) column: SilverColumn,
    pub(crate) hashed: bool,
}

/// The columns of one silver table.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<Stored>,
    pub(crate) custom: Vec<CustomColumn>,
    pub(crate) guard: Guard,
    schema: SchemaRef,
    key: Option<HashKey>,
}

impl Layout {
    /// The columns of an entity under a policy, with columns for these custom fields where the policy keeps them.
    ///
    /// # Errors
    /// [`Kind::Config`](ErrorKind::Config) when the policy hashes a column and there is no key.
    pub(crate) fn new(entity: &Entity, privacy: &Privacy, custom: Vec<CustomColumn>) -> Result<Self> {
        let mut dropped = Vec::new();
        let mut columns = Vec::new();
        for column in silver_columns(entity) {
            match privacy.of(entity, &column) {
                Treatment::Drop => dropped.push(column.field.name().clone()),
                treatment => columns.push(Stored { column, hashed: treatment == Treatment::Hash }),
            }
        }
        let guard = Guard::new(entity, privacy);
        dropped.extend(guard.withheld.iter().map(|id| format!("cf{id}")));
        let custom: Vec<CustomColumn> = custom
            .into_iter()
            .filter_map(|column| match privacy.of_custom_field(entity, column.id) {
                Treatment::Drop => None,
                treatment => Some(CustomColumn { hashed: treatment == Treatment::Hash, ..column }),
            })
            .collect();
        let hashes = columns.iter().any(|stored| stored.hashed) || custom.iter().any(|column| column.hashed);
        let key = if hashes { Some(privacy.key()?.clone()) } else { None };
        let check = key.as_ref().map(HashKey::check).unwrap_or_default();
        let hashed = |field: Field| {
            let mut marks = field.metadata().clone();
            marks.insert(HASHED.to_owned(), check.clone());
            field.with_data_type(DataType::Utf8).with_metadata(marks)
        };
        let mut fields: Vec<Field> = columns
            .iter()
            .map(|stored| if stored.hashed { hashed(stored.column.field.clone()) } else { stored.column.field.clone() })
            .collect();
        if let Some(key) = fields.first_mut() {
            let personal = if guard.keeps_personal { "keep" } else { "drop" };
            let marks = [(DROPPED, dropped.join(",")), (NESTED, personal.to_owned())];
            key.set_metadata(marks.into_iter().map(|(name, text)| (name.to_owned(), text)).collect());
        }
        fields.extend(custom.iter().map(|column| {
            let field = column.field();
            if column.hashed { hashed(field) } else { field }
        }));
        Ok(Self { columns, custom, guard, schema: Arc::new(Schema::new(fields)), key })
    }

    /// The Arrow schema, marks included.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Whether a stored table has these columns under this policy; captions of custom fields aside.
    pub(crate) fn is_that_of(&self, stored: &Schema) -> bool {
        stored.fields().len() == self.schema.fields().len() && self.extends(stored)
    }

    /// Whether a stored table has the first of these columns under this policy, at least all of the contract.
    pub(crate) fn extends(&self, stored: &Schema) -> bool {
        let marks = |field: &Field| [HASHED, DROPPED, NESTED].map(|mark| field.metadata().get(mark).cloned());
        let same = |stored: &Field, own: &Field| {
            stored.name() == own.name()
                && stored.data_type().equals_datatype(own.data_type())
                && marks(stored) == marks(own)
        };
        let (contract, custom) = self.schema.fields().split_at(self.columns.len());
        // Columns that came together stand in any order.
        stored.fields().len() <= self.schema.fields().len()
            && stored.fields().len() >= contract.len()
            && stored.fields().iter().zip(contract).all(|(stored, own)| same(stored, own))
            && stored.fields().iter().skip(contract.len()).all(|stored| custom.iter().any(|own| same(stored, own)))
    }

    /// Columns of a stored table whose values the policy takes away or hides: what it drops or hashes and the table has in the
    /// clear.
    pub(super) fn taken(&self, stored: &Schema) -> Vec<String> {
        let drops = dropped(&self.schema);
        let custom = super::custom::stored(stored);
        let is_taken = |field: &Field| match self.schema.field_with_name(field.name()) {
            Ok(own) => is_hashed(own) && !is_hashed(field),
            Err(_) => {
                let id = custom.iter().find(|column| column.name == *field.name()).map(|column| column.id);
                let name = id.map_or_else(|| field.name().clone(), |id| format!("cf{id}"));
                drops.contains(&name.as_str()) && !is_hashed(field)
            }
        };
        let taken = stored.fields().iter().filter(|field| is_taken(field));
        taken.map(|field| field.name().clone()).collect()
    }

    /// Values of a column in the form in which they are stored.
    pub(crate) fn finished(&self, values: ArrayRef, hashed: bool) -> Result<ArrayRef> {
        let Some(key) = self.key.as_ref().filter(|_| hashed) else { return Ok(values) };
        let unfit = |error| Error::new(ErrorKind::Contract, "a column can't be hashed").with_source(error);
        let texts = cast(&values, &DataType::Utf8).map_err(unfit)?;
        let texts = texts.as_string::<i32>();
        Ok(Arc::new(texts.iter().map(|text| text.map(|text| key.hash(text))).collect::<StringArray>()))
    }

    /// Values of a column of an older table in the form in which they are stored now. What the policy of that time took
    /// away is gone: where it can't be told, there is NULL.
    pub(crate) fn reshaped(&self, at: usize, old: &Schema, column: Option<&ArrayRef>, rows: usize) -> Result<ArrayRef> {
        let field = self.schema.field(at);
        let none = || Ok(arrow::array::new_null_array(field.data_type(), rows));
        let (Ok(was), Some(column)) = (old.field_with_name(field.name()), column) else { return none() };
        let (before, now) = (was.metadata().get(HASHED), field.metadata().get(HASHED));
        let declared = self.columns.get(at);
        let fit = |wanted: &DataType| {
            let unfit = |error| {
                Error::new(ErrorKind::Contract, "a stored silver row doesn't fit its contract").with_source(error)
            };
            if column.data_type() == wanted { Ok(column.clone()) } else { cast(column, wanted).map_err(unfit) }
        };
        match (before, now) {
            (None, None) => match declared.map(|stored| &stored.column.origin) {
                Some(Origin::Path(_, kind @ (Kind::List(_) | Kind::Json | Kind::StringMap), _)) => {
                    Ok(self.guard.again(kind, &fit(field.data_type())?))
                }
                _ => fit(field.data_type()),
            },
            (None, Some(_)) => {
                // The hash is that of the value's text, and so needs its type.
                let typed = declared.map_or_else(
                    || self.custom.get(at - self.columns.len()).map(|column| column.kind.data_type()),
                    |stored| Some(stored.column.field.data_type().clone()),
                );
                self.finished(fit(&typed.unwrap_or(DataType::Utf8))?, true)
            }
            (Some(before), Some(now)) if before == now => fit(field.data_type()),
            _ => none(),
        }
    }
}

/// The columns that are missing in a stored table because its policy dropped them.
pub(crate) fn dropped(stored: &Schema) -> Vec<&str> {
    let marks = stored.fields().iter().filter_map(|field| field.metadata().get(DROPPED));
    marks.flat_map(|names| names.split(',')).filter(|name| !name.is_empty()).collect()
}

/// Whether a stored column holds hashes.
pub(crate) fn is_hashed(field: &Field) -> bool {
    field.metadata().contains_key(HASHED)
}

/// What `schema` says of each column: its policy, and the secrets that have no column.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Column, or path of a secret.
    pub name: String,
    /// The column as it is stored, `None` where there is none.
    pub field: Option<Field>,
    /// `keep`, `hash`, `drop` or `secret`.
    pub treatment: &'static str,
    /// Whether the catalogue calls it personal.
    pub personal: bool,
}

/// Every column that an entity's silver table has or could have, with what the policy makes of it; secrets last.
pub fn policy(entity: &Entity, privacy: &Privacy) -> Vec<Policy> {
    let mut all: Vec<Policy> = silver_columns(entity)
        .into_iter()
        .map(|column| {
            let treatment = privacy.of(entity, &column);
            let field = match treatment {
                Treatment::Keep => Some(column.field.clone()),
                Treatment::Hash => Some(column.field.clone().with_data_type(DataType::Utf8)),
                Treatment::Drop => None,
            };
            let name = column.field.name().clone();
            Policy { name, field, treatment: treatment.name(), personal: column.personal }
        })
        .collect();
    let secret = |name| Policy { name, field: None, treatment: "secret", personal: false };
    all.extend(connectwise_extract::privacy::secrets(entity).into_iter().map(secret));
    if super::custom::fields_of(entity).is_some() {
        all.push(secret("customFields of type Password".to_owned()));
    }
    all
}

/// Whether a meaning is one that a JSON text may not hold.
pub(super) fn is_withheld(meaning: Meaning, keeps_personal: bool) -> bool {
    meaning == Meaning::Secret || (meaning == Meaning::Personal && !keeps_personal)
}
