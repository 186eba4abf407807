//! Which columns a silver table has: those of its contract, those that a project adds, then those of its custom fields, each as a
//! privacy policy wants it.
//!
//! What a policy drops is NULL in every row: a column never goes away, since a report that is bound to it would break. What
//! was done is written into the table's own schema, so that a build sees whether the stored rows are those of the policy that
//! holds now.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use connectwise_extract::contract::{Origin, Personal, SilverColumn, silver_columns};
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::{HashKey, Privacy, Treatment};
use connectwise_sdk::catalog::{Entity, Kind};

use super::custom::CustomColumn;
use super::extra::{self, ExtraColumn};
use super::guard::ValueGuard;
use crate::error::{Error, Result};

/// Mark of a hashed column in the schema; its value tells the key.
const HASHED: &str = "connectwise.hashed";
/// Mark of the last column of the contract: the columns whose values the policy dropped, comma-separated. No model puts that column of
/// several tables together: DataFusion refuses unions of columns whose marks differ.
const DROPPED: &str = "connectwise.dropped";
/// Mark of the last column of the contract: whether personal values inside of JSON texts are kept.
const NESTED: &str = "connectwise.personal";

/// A column of the contract, or one that a project adds, as it is stored.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) column: SilverColumn,
    pub(crate) treatment: Treatment,
    /// False of a column that a project added once, and whose entry is gone.
    is_configured: bool,
}

/// The columns of one silver table.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) columns: Vec<Stored>,
    pub(crate) custom: Vec<CustomColumn>,
    pub(crate) guard: ValueGuard,
    schema: SchemaRef,
    key: Option<HashKey>,
}

impl Layout {
    /// The columns of an entity under a policy, with those that a project adds, and those of these custom fields.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config) when the policy hashes a column and there is no key.
    pub(crate) fn new(
        entity: &Entity,
        privacy: &Privacy,
        extra: Vec<ExtraColumn>,
        custom: Vec<CustomColumn>,
    ) -> Result<Self> {
        let stored = |column| Stored { treatment: privacy.of(entity, &column), column, is_configured: true };
        let mut columns: Vec<Stored> = silver_columns(entity).into_iter().map(stored).collect();
        let of_contract = columns.len();
        columns.extend(extra.into_iter().map(|ExtraColumn { column, is_configured }| {
            let stored = stored(column);
            if is_configured { stored } else { Stored { treatment: Treatment::Drop, is_configured, ..stored } }
        }));
        let treated =
            |column: CustomColumn| CustomColumn { treatment: privacy.of_custom_field(entity, column.id), ..column };
        let custom: Vec<CustomColumn> = custom.into_iter().map(treated).collect();
        let guard = ValueGuard::new(entity, privacy);
        let is_dropped = |stored: &&Stored| stored.treatment == Treatment::Drop;
        let dropped = columns.iter().filter(is_dropped).map(|stored| stored.column.field.name().clone());
        let dropped: Vec<String> = dropped.chain(guard.withheld.iter().map(|id| format!("cf{id}"))).collect();
        let mut treatments =
            columns.iter().map(|stored| stored.treatment).chain(custom.iter().map(|column| column.treatment));
        let hashes = treatments.any(|treatment| treatment == Treatment::Hash);
        let key = if hashes { Some(privacy.key()?.clone()) } else { None };
        let check = key.as_ref().map(HashKey::check);
        let treated = |field: Field, treatment| match &check {
            Some(check) if treatment == Treatment::Hash => {
                let mut marks = field.metadata().clone();
                marks.insert(HASHED.to_owned(), check.clone());
                field.with_data_type(DataType::Utf8).with_metadata(marks)
            }
            _ => field,
        };
        let mut fields: Vec<Field> =
            columns.iter().map(|stored| treated(stored.column.field.clone(), stored.treatment)).collect();
        if let Some(marked) = fields.get_mut(of_contract.saturating_sub(1)) {
            let marks = [(DROPPED, dropped.join(",")), (NESTED, guard.mark().to_owned())];
            marked.set_metadata(marks.into_iter().map(|(name, text)| (name.to_owned(), text)).collect());
        }
        fields.extend(custom.iter().map(|column| treated(column.field(), column.treatment)));
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

    /// Whether a stored table has the first of these columns under this policy, at least all but those of custom fields.
    pub(crate) fn extends(&self, stored: &Schema) -> bool {
        let marks = |field: &Field| [HASHED, DROPPED, NESTED].map(|mark| field.metadata().get(mark).cloned());
        let same = |stored: &Field, own: &Field| {
            stored.name() == own.name()
                && stored.data_type().equals_datatype(own.data_type())
                && marks(stored) == marks(own)
                && extra::marks(stored) == extra::marks(own)
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
        let before = dropped(stored);
        let now = dropped(&self.schema);
        let custom = super::custom::stored(stored);
        let is_gone = |name: &str| self.columns.iter().any(|own| !own.is_configured && own.column.field.name() == name);
        let is_taken = |field: &Field| {
            // No policy took it.
            if is_gone(field.name()) {
                return false;
            }
            let id = custom.iter().find(|column| column.name == *field.name()).map(|column| column.id);
            let name = id.map_or_else(|| field.name().clone(), |id| format!("cf{id}"));
            let hashes = self.schema.field_with_name(field.name()).is_ok_and(is_hashed);
            let takes = hashes || now.contains(&name.as_str());
            takes && !is_hashed(field) && !before.contains(&name.as_str())
        };
        let taken = stored.fields().iter().filter(|field| is_taken(field));
        taken.map(|field| field.name().clone()).collect()
    }

    /// Values of a column in the form in which they are stored.
    pub(crate) fn finished(&self, values: ArrayRef, treatment: Treatment) -> Result<ArrayRef> {
        let key = match (treatment, &self.key) {
            (Treatment::Drop, _) => return Ok(new_null_array(values.data_type(), values.len())),
            (Treatment::Hash, Some(key)) => key,
            _ => return Ok(values),
        };
        let unfit = |error| Error::unhashed().with_source(error);
        let texts = cast(&values, &DataType::Utf8).map_err(unfit)?;
        let texts = texts.as_string::<i32>();
        Ok(Arc::new(texts.iter().map(|text| text.map(|text| key.hash(text))).collect::<StringArray>()))
    }

    /// Values of a column of an older table in the form in which they are stored now. What the policy of that time took
    /// away is gone: where it can't be told, there is NULL.
    pub(crate) fn reshaped(&self, at: usize, old: &Schema, column: Option<&ArrayRef>, rows: usize) -> Result<ArrayRef> {
        let field = self.schema.field(at);
        let none = || Ok(new_null_array(field.data_type(), rows));
        let (Ok(was), Some(column)) = (old.field_with_name(field.name()), column) else { return none() };
        let before = was.metadata().get(HASHED);
        let now = field.metadata().get(HASHED);
        let declared = self.columns.get(at);
        let custom = at.checked_sub(self.columns.len()).and_then(|at| self.custom.get(at));
        let treatment = declared.map(|stored| stored.treatment).or(custom.map(|column| column.treatment));
        if treatment == Some(Treatment::Drop) || (extra::is_extra(field) && extra::marks(was) != extra::marks(field)) {
            return none();
        }
        let fit = |wanted: &DataType| {
            let unfit = |error| Error::outdated_silver().with_source(error);
            if column.data_type() == wanted { Ok(column.clone()) } else { cast(column, wanted).map_err(unfit) }
        };
        match (before, now) {
            (None, None) => match declared.map(|stored| &stored.column.origin) {
                Some(Origin::Path(_, kind @ (Kind::List(_) | Kind::Json | Kind::StringMap), _)) => {
                    self.guard.again(kind, &fit(field.data_type())?)
                }
                _ => fit(field.data_type()),
            },
            (None, Some(_)) => {
                // The hash is that of the value's text, and so needs its type. A column that is neither has none but that of texts.
                let typed = declared.map_or_else(
                    || custom.map(|column| column.kind.data_type()),
                    |stored| Some(stored.column.field.data_type().clone()),
                );
                self.finished(fit(&typed.unwrap_or(DataType::Utf8))?, Treatment::Hash)
            }
            (Some(before), Some(now)) if before == now => fit(field.data_type()),
            _ => none(),
        }
    }

    /// Columns that a project adds and that a table doesn't hold in this form yet: an older version of it has no value for them that a row
    /// of the same record could have kept.
    pub(super) fn fresh<'a>(&'a self, old: &'a Schema) -> impl Iterator<Item = &'a str> {
        let before = dropped(old);
        let added = self.columns.iter().filter(|own| own.treatment != Treatment::Drop).map(|own| &own.column.field);
        added.filter(|field| extra::is_extra(field)).map(|field| field.name().as_str()).filter(move |name| {
            let same = |was: &Field, own: &Field| extra::marks(was) == extra::marks(own);
            let known = old.field_with_name(name).and_then(|was| Ok(same(was, self.schema.field_with_name(name)?)));
            !known.is_ok_and(|is_same| is_same) || before.contains(name)
        })
    }
}

/// The columns of a stored table whose values its policy dropped.
fn dropped(stored: &Schema) -> Vec<&str> {
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
    /// The column as it is stored, `None` for a secret.
    pub field: Option<Field>,
    /// `keep`, `hash`, `drop` or `secret`.
    pub treatment: &'static str,
    /// What it tells of a person, if it does.
    pub personal: Option<Personal>,
}

/// Every column that an entity's silver table has, those of custom fields aside, with what the policy makes of it; secrets last.
pub fn policy(entity: &Entity, privacy: &Privacy, extra: &ExtraColumns) -> Vec<Policy> {
    let mut all: Vec<Policy> = silver_columns(entity)
        .into_iter()
        .chain(extra.of(entity).cloned())
        .map(|column| {
            let treatment = privacy.of(entity, &column);
            let field = match treatment {
                Treatment::Keep | Treatment::Drop => column.field,
                Treatment::Hash => column.field.with_data_type(DataType::Utf8),
            };
            let name = field.name().clone();
            Policy { name, field: Some(field), treatment: treatment.name(), personal: column.personal }
        })
        .collect();
    let secret = |name| Policy { name, field: None, treatment: "secret", personal: None };
    all.extend(connectwise_extract::privacy::secrets(entity).into_iter().map(secret));
    if super::custom::fields_of(entity).is_some() {
        all.push(secret("customFields of type Password".to_owned()));
    }
    all
}
