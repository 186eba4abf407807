//! Custom fields as typed columns: one for each field id and type, called after the caption that it was first seen with.
//!
//! A column keeps its name for good. Another caption only changes the column's comment, another type gets a column beside it,
//! and a field of type `Password` never gets one.

use std::collections::{BTreeMap, HashMap, HashSet};

use arrow::array::{Array, AsArray, Int64Array, ListArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType, Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use connectwise_extract::contract::{DECIMAL, TIMESTAMP};
use connectwise_extract::privacy::{Treatment, is_password_type};
use connectwise_sdk::catalog::{Entity, Kind};

use crate::error::{Error, Result};

/// Property that holds custom fields, in every entity that has them.
pub(crate) const PROPERTY: &str = "customFields";
/// Marks of a column in the table's schema; a comment is what engines show beside a name.
const ID: &str = "connectwise.customField";
const KIND: &str = "connectwise.customKind";
pub(crate) const COMMENT: &str = "comment";
/// Characters of a caption that a name takes: engines differ in how long a name may be.
const LONGEST: usize = 60;

/// What the values of a custom field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CustomKind {
    Text,
    Number,
    Date,
    Boolean,
}

impl CustomKind {
    /// By the type that the API names. A password has none.
    fn of(kind: &str) -> Option<Self> {
        match kind.trim().to_lowercase().as_str() {
            "number" | "currency" | "percent" => Some(Self::Number),
            "date" => Some(Self::Date),
            "checkbox" => Some(Self::Boolean),
            kind if is_password_type(kind) => None,
            _ => Some(Self::Text),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Boolean => "boolean",
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Text, Self::Number, Self::Date, Self::Boolean].into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) fn data_type(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Number => DataType::Decimal128(DECIMAL.0, DECIMAL.1),
            Self::Date => DataType::Date32,
            Self::Boolean => DataType::Boolean,
        }
    }
}

/// A column of a custom field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CustomColumn {
    pub(crate) id: i64,
    pub(crate) kind: CustomKind,
    /// Its name, for good.
    pub(crate) name: String,
    /// What the field is called now.
    pub(crate) caption: String,
    pub(crate) treatment: Treatment,
}

impl CustomColumn {
    /// The column with its marks.
    pub(crate) fn field(&self) -> Field {
        let marks = [(COMMENT, self.caption.clone()), (ID, self.id.to_string()), (KIND, self.kind.name().to_owned())];
        let marks = marks.into_iter().map(|(mark, text)| (mark.to_owned(), text)).collect::<HashMap<_, _>>();
        Field::new(&self.name, self.kind.data_type(), true).with_metadata(marks)
    }
}

/// Whether an entity has custom fields, and of which shape.
pub(crate) fn fields_of(entity: &Entity) -> Option<Kind> {
    entity.columns.iter().find(|column| column.name == PROPERTY).map(|column| column.kind)
}

/// A column of a custom field, as a stored table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomField {
    /// The column.
    pub field: Field,
    /// Id of the custom field.
    pub id: i64,
    /// What the field is called now.
    pub caption: String,
}

/// The custom-field columns of a stored silver or history table, in its order.
pub fn custom_fields(stored: &Schema) -> Vec<CustomField> {
    let columns = stored.fields().iter().filter_map(|field| {
        let column = marked(field)?;
        Some(CustomField { field: field.as_ref().clone(), id: column.id, caption: column.caption })
    });
    columns.collect()
}

/// The custom-field columns of a stored table, in its order.
pub(crate) fn stored(schema: &Schema) -> Vec<CustomColumn> {
    schema.fields().iter().filter_map(|field| marked(field)).collect()
}

/// What the marks of a stored column say of it, where it is one of a custom field. Anybody may have taken its comment away.
fn marked(field: &Field) -> Option<CustomColumn> {
    let mark = |name: &str| field.metadata().get(name);
    Some(CustomColumn {
        id: mark(ID)?.parse().ok()?,
        kind: CustomKind::named(mark(KIND)?)?,
        name: field.name().clone(),
        caption: mark(COMMENT).cloned().unwrap_or_default(),
        treatment: Treatment::Keep,
    })
}

/// The fields that rows have: by id and type, when a row last said so, and the caption that it gave.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found(BTreeMap<(i64, CustomKind), (i64, String)>);

impl Found {
    /// Adds the fields of bronze rows. Rows that were read later know the caption better.
    pub(crate) fn add(&mut self, bronze: &RecordBatch) -> Result<()> {
        let Some(items) = Items::of(bronze)? else { return Ok(()) };
        let stamps =
            bronze.column_by_name(TIMESTAMP).and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        items.each(|row, id, kind, item| {
            let stamp = stamps.filter(|stamps| stamps.is_valid(row)).map_or(0, |stamps| stamps.value(row));
            let caption = items.caption(item);
            match self.0.get_mut(&(id, kind)) {
                Some((known, text)) => {
                    if (stamp, caption) > (*known, text.as_str()) {
                        *known = stamp;
                        caption.clone_into(text);
                    }
                }
                None => {
                    self.0.insert((id, kind), (stamp, caption.to_owned()));
                }
            }
        });
        Ok(())
    }

    /// The columns that there are now: the known ones with their captions of today, then new ones, oldest sighting first.
    pub(crate) fn columns(&self, mut known: Vec<CustomColumn>, taken: &SchemaRef) -> Vec<CustomColumn> {
        let mut names: HashSet<String> = taken.fields().iter().map(|field| field.name().to_lowercase()).collect();
        names.extend(known.iter().map(|column| column.name.to_lowercase()));
        let mut new: Vec<_> = Vec::new();
        for ((id, kind), (stamp, caption)) in &self.0 {
            match known.iter_mut().find(|column| (column.id, column.kind) == (*id, *kind)) {
                Some(column) if !caption.is_empty() => column.caption.clone_from(caption),
                Some(_) => {}
                None => new.push((*id, *stamp, *kind, caption)),
            }
        }
        new.sort_unstable();
        for (id, _, kind, caption) in new {
            let mut name = name(id, caption);
            if known.iter().any(|column| column.id == id) {
                name = format!("{name}_{}", kind.name());
            }
            while !names.insert(name.to_lowercase()) {
                name.push('_');
            }
            known.push(CustomColumn { id, kind, name, caption: caption.clone(), treatment: Treatment::Keep });
        }
        known
    }
}

/// The items of a batch's custom fields.
pub(crate) struct Items<'a> {
    list: &'a ListArray,
    ids: Int64Array,
    kinds: StringArray,
    captions: Option<StringArray>,
    values: Option<StringArray>,
}

impl<'a> Items<'a> {
    /// `None` where there are none of a usable shape.
    pub(crate) fn of(bronze: &'a RecordBatch) -> Result<Option<Self>> {
        let list = bronze.column_by_name(PROPERTY).and_then(|column| column.as_list_opt::<i32>());
        let Some((list, item)) = list.and_then(|list| Some((list, list.values().as_struct_opt()?))) else {
            return Ok(None);
        };
        // Readers hand out texts that are nested in lists in a viewed form.
        let typed = |name: &str, wanted: &DataType| {
            let column = item.column_by_name(name).map(|column| cast(column, wanted));
            column.transpose().map_err(|error| Error::unflattened().with_source(error))
        };
        let text =
            |name: &str| Ok::<_, Error>(typed(name, &DataType::Utf8)?.map(|column| column.as_string::<i32>().clone()));
        let Some((ids, kinds)) = typed("id", &DataType::Int64)?.zip(text("type")?) else { return Ok(None) };
        let ids = ids.as_primitive::<Int64Type>().clone();
        Ok(Some(Self { list, ids, kinds, captions: text("caption")?, values: text("value")? }))
    }

    /// Calls `visit` with row, field id, type and position for every item that can be a column's value.
    pub(crate) fn each(&self, mut visit: impl FnMut(usize, i64, CustomKind, usize)) {
        let rows = self.list.value_offsets().array_windows().enumerate().filter(|(row, _)| self.list.is_valid(*row));
        for (row, [from, to]) in rows {
            for item in from.as_usize()..to.as_usize() {
                if self.ids.is_null(item) || self.kinds.is_null(item) {
                    continue;
                }
                if let Some(kind) = CustomKind::of(self.kinds.value(item)) {
                    visit(row, self.ids.value(item), kind, item);
                }
            }
        }
    }

    fn caption(&self, item: usize) -> &str {
        self.captions
            .as_ref()
            .filter(|captions| captions.is_valid(item))
            .map_or("", |captions| captions.value(item).trim())
    }

    /// The JSON text of an item's value.
    pub(crate) fn value(&self, item: usize) -> Option<&str> {
        self.values.as_ref().filter(|values| values.is_valid(item)).map(|values| values.value(item))
    }
}

/// `cf20_365Tenant` for field 20: the id makes it unique, the caption readable.
fn name(id: i64, caption: &str) -> String {
    let mut name = format!("cf{id}").replace('-', "_");
    let plain: String = caption.chars().map(fold).collect();
    let words = plain.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if at == 0 {
            name.push('_');
        }
        let (first, rest) = word.split_at(1);
        name.push_str(&if at == 0 { first.to_ascii_lowercase() } else { first.to_ascii_uppercase() });
        name.push_str(rest);
    }
    name.truncate(LONGEST);
    name
}

/// Letters of the Latin alphabets without their marks; other letters end a word.
fn fold(letter: char) -> &'static str {
    const PLAIN: [(&str, &str); 26] = [
        ("áàâäãåāă", "a"),
        ("ÁÀÂÄÃÅĀĂ", "A"),
        ("éèêëēę", "e"),
        ("ÉÈÊËĒĘ", "E"),
        ("íìîïī", "i"),
        ("ÍÌÎÏĪ", "I"),
        ("óòôöõøō", "o"),
        ("ÓÒÔÖÕØŌ", "O"),
        ("úùûüū", "u"),
        ("ÚÙÛÜŪ", "U"),
        ("ýÿ", "y"),
        ("ÝŸ", "Y"),
        ("ðď", "d"),
        ("ÐĎ", "D"),
        ("þ", "th"),
        ("Þ", "Th"),
        ("æ", "ae"),
        ("Æ", "Ae"),
        ("ß", "ss"),
        ("çćč", "c"),
        ("ÇĆČ", "C"),
        ("ñńň", "n"),
        ("ÑŃŇ", "N"),
        ("šś", "s"),
        ("žźż", "z"),
        ("łĺľ", "l"),
    ];
    const ASCII: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if let Some(at) = ASCII.find(letter) {
        return &ASCII[at..=at];
    }
    PLAIN.iter().find(|(letters, _)| letters.contains(letter)).map_or(" ", |(_, plain)| plain)
}
