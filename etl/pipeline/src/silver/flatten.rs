//! A bronze batch into a silver batch: a pure function over columns.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::{cast, is_null, nullif};
use arrow::datatypes::{ArrowNativeType, DataType, Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use connectwise_extract::contract::{DECIMAL, Origin, SilverColumn, data_type};
use connectwise_extract::privacy::Treatment;
use connectwise_sdk::catalog::{Kind, Meaning};

use super::guard::ValueGuard;
use super::layout::Layout;
use super::{custom_value, extra_value, json, value};
use crate::error::{Error, Result};
use crate::telemetry::build::Unreadable;

/// A layout, ready to flatten the batches of its entity.
#[derive(Debug, Clone)]
pub(crate) struct Flattener {
    layout: Layout,
}

impl Flattener {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout }
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The rows of a bronze batch as silver rows, none of them deleted, and what could not be read.
    pub(crate) fn flatten(&self, bronze: &RecordBatch) -> Result<(RecordBatch, Unreadable)> {
        let mut unreadable = Unreadable::new();
        let mut arrays = Vec::with_capacity(self.layout.schema().fields().len());
        let mut count = |name: &str, bad: u64| {
            if bad > 0 {
                unreadable.insert(name.to_owned(), bad);
            }
        };
        for stored in &self.layout.columns {
            let (array, bad) = match stored.treatment {
                Treatment::Drop => (new_null_array(stored.column.field.data_type(), bronze.num_rows()), 0),
                Treatment::Keep | Treatment::Hash => column_of(bronze, &stored.column, &self.layout.guard)?,
            };
            count(stored.column.field.name(), bad);
            arrays.push(self.layout.finished(array, stored.treatment)?);
        }
        let custom = custom_value::arrays(bronze, &self.layout.custom)?;
        for (column, (array, bad)) in self.layout.custom.iter().zip(custom) {
            count(&column.name, bad);
            arrays.push(self.layout.finished(array, column.treatment)?);
        }
        let batch = RecordBatch::try_new(self.layout.schema().clone(), arrays)
            .map_err(|error| Error::unflattened().with_source(error))?;
        Ok((batch, unreadable))
    }
}

fn column_of(bronze: &RecordBatch, column: &SilverColumn, guard: &ValueGuard) -> Result<(ArrayRef, u64)> {
    let rows = bronze.num_rows();
    let wanted = column.field.data_type();
    match &column.origin {
        Origin::Deleted => Ok((Arc::new(BooleanArray::from(vec![false; rows])), 0)),
        Origin::Technical => {
            let found = bronze.column_by_name(column.field.name());
            Ok((found.map_or_else(|| Ok(new_null_array(wanted, rows)), |found| typed(found, wanted))?, 0))
        }
        Origin::Audit(keys) => match bronze.column_by_name("_info").map(|info| audit(info, keys)).transpose()? {
            Some(texts) if *wanted == DataType::Utf8 => Ok((trimmed(&texts), 0)),
            Some(texts) => Ok(instants(&texts)),
            None => Ok((new_null_array(wanted, rows), 0)),
        },
        Origin::Rescued(path, kind) => extra_value::column(bronze, path, *kind),
        Origin::Path(path, kind, meaning) => match at(bronze, path)? {
            Some(found) => converted(&typed(&found, &data_type(kind))?, kind, *meaning, guard),
            None => Ok((new_null_array(wanted, rows), 0)),
        },
    }
}

/// The values at a path, null where a parent is. `None` where bronze has no such column yet.
fn at(bronze: &RecordBatch, path: &[&str]) -> Result<Option<ArrayRef>> {
    let unfit = |error| Error::unflattened().with_source(error);
    let Some((first, inner)) = path.split_first() else { return Ok(None) };
    let Some(mut found) = bronze.column_by_name(first).cloned() else { return Ok(None) };
    for name in inner {
        let parent =
            found.as_struct_opt().ok_or_else(|| Error::misshapen(&format!("{first} of bronze"), found.data_type()))?;
        let Some(child) = parent.column_by_name(name) else { return Ok(None) };
        found = match parent.null_count() {
            0 => child.clone(),
            _ => nullif(child, &is_null(&found).map_err(unfit)?).map_err(unfit)?,
        };
    }
    Ok(Some(found))
}

/// Readers may hand out a wider or a viewed form of a type.
pub(super) fn typed(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef> {
    if array.data_type() == wanted {
        return Ok(array.clone());
    }
    cast(array, wanted).map_err(|error| Error::bronze_type(array.data_type(), wanted).with_source(error))
}

fn converted(array: &ArrayRef, kind: &Kind, meaning: Meaning, guard: &ValueGuard) -> Result<(ArrayRef, u64)> {
    Ok(match (kind, meaning) {
        (Kind::List(_) | Kind::StringMap, _) => (json::column(kind, array, guard)?, 0),
        (Kind::Json, _) => {
            let texts = array.as_string::<i32>().iter().map(|text| text.map(ValueGuard::free_text));
            (Arc::new(texts.collect::<StringArray>()), 0)
        }
        (Kind::Int32, Meaning::Decimal) => {
            let numbers = array.as_primitive::<Int32Type>();
            decimals(numbers.iter().map(|number| number.map(|number| value::decimal_of_integer(number.into()))))?
        }
        (Kind::Int64, Meaning::Decimal) => {
            let numbers = array.as_primitive::<Int64Type>();
            decimals(numbers.iter().map(|number| number.map(value::decimal_of_integer)))?
        }
        (Kind::Double, Meaning::Decimal) => {
            let numbers = array.as_primitive::<Float64Type>();
            decimals(numbers.iter().map(|number| number.map(value::decimal_of_number)))?
        }
        (Kind::Utf8, Meaning::Decimal) => decimals(texts(array).map(|text| text.map(value::decimal_of_text)))?,
        (Kind::Timestamp, Meaning::Date) => {
            let instants = array.as_primitive::<TimestampMicrosecondType>();
            let (days, bad) = counted(instants.iter().map(|micros| micros.map(value::day_of_micros)));
            (Arc::new(Date32Array::from(days)), bad)
        }
        (Kind::Utf8, Meaning::Date) => {
            let (days, bad) = counted(texts(array).map(|text| text.map(value::day_of_text)));
            (Arc::new(Date32Array::from(days)), bad)
        }
        (Kind::Utf8, Meaning::Instant) => instants(&texts(array).collect::<Vec<_>>()),
        (Kind::Utf8, _) => (trimmed(&array.as_string::<i32>().iter().collect::<Vec<_>>()), 0),
        _ => (array.clone(), 0),
    })
}

/// Texts without the empty ones, which say as little as none.
fn texts(array: &ArrayRef) -> impl Iterator<Item = Option<&str>> {
    array.as_string::<i32>().iter().map(|text| text.map(str::trim).filter(|text| !text.is_empty()))
}

pub(super) fn decimals(values: impl Iterator<Item = Option<Option<i128>>>) -> Result<(ArrayRef, u64)> {
    let (units, bad) = counted(values);
    let array = Decimal128Array::from(units)
        .with_precision_and_scale(DECIMAL.0, DECIMAL.1)
        .map_err(|error| Error::unbuilt_decimals().with_source(error))?;
    Ok((Arc::new(array), bad))
}

fn instants(texts: &[Option<&str>]) -> (ArrayRef, u64) {
    let texts = texts.iter().map(|text| text.map(str::trim).filter(|text| !text.is_empty()));
    let (micros, bad) = counted(texts.map(|text| text.map(value::micros_of_text)));
    (Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")), bad)
}

/// Values, and how many were there but could not be read.
pub(super) fn counted<T>(values: impl Iterator<Item = Option<Option<T>>>) -> (Vec<Option<T>>, u64) {
    let mut bad = 0;
    let values = values
        .map(|value| {
            bad += u64::from(matches!(value, Some(None)));
            value.flatten()
        })
        .collect();
    (values, bad)
}

fn trimmed(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(texts.iter().map(|text| text.map(str::trim)).collect::<StringArray>())
}

/// For each row the value of the first of `keys` that its map has.
fn audit<'a>(info: &'a ArrayRef, keys: &[&str]) -> Result<Vec<Option<&'a str>>> {
    let misshapen = || Error::misshapen("_info of bronze", info.data_type());
    let info = info.as_map_opt().ok_or_else(misshapen)?;
    let names = info.keys().as_string_opt::<i32>().ok_or_else(misshapen)?;
    let values = info.values().as_string_opt::<i32>().ok_or_else(misshapen)?;
    let rows = info.value_offsets().array_windows().enumerate();
    let texts = rows.map(|(row, [from, to])| {
        let entries = if info.is_valid(row) { from.as_usize()..to.as_usize() } else { 0..0 };
        keys.iter().find_map(|key| {
            let mut entries = entries.clone().filter(|entry| values.is_valid(*entry));
            entries.find(|entry| names.value(*entry) == *key).map(|entry| values.value(entry))
        })
    });
    Ok(texts.collect())
}
