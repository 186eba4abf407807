//! Tables that somebody hands over in the place of silver: brought to the columns and types of their contract.
//!
//! They may be those of the PySpark package that this program replaces, or what pandas makes of them: numbers are floating-point ones,
//! ids that may be missing too, and instants are texts. What is no value of its column is refused: a silent NULL would be a wrong sum.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray, new_null_array};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};
use connectwise_extract::contract::{IS_DELETED, instant};

use super::dimension::nullable;
use super::keys::text;
use super::metadata::spelled;
use crate::error::{Error, Result};

/// Columns of a table without which the rows of a model would be wrong and nobody would notice. The PySpark package asked for the same, or
/// failed without them; any other column may be missing, and is NULL then.
pub(super) fn required(model: &str, table: &str) -> &'static [&'static str] {
    match (model, table) {
        ("fact_timeentry", "silver_cw_timeentry") => &[
            "id",
            "chargeToType",
            "chargeToId",
            "memberId",
            "memberName",
            "workTypeId",
            "workTypeName",
            "workRoleId",
            "workRoleName",
            "timeStart",
            "actualHours",
            "billableOption",
            "agreementId",
            "invoiceId",
            "hourlyRate",
        ],
        ("fact_expenseentry", "silver_cw_expenseentry") => &[
            "id",
            "chargeToType",
            "chargeToId",
            "memberId",
            "typeId",
            "typeName",
            "date",
            "amount",
            "agreementId",
            "invoiceId",
            "billableOption",
        ],
        ("fact_productitem" | "fact_invoiceline", "silver_cw_productitem") => &[
            "id",
            "agreementId",
            "invoiceId",
            "billableOption",
            "description",
            "quantity",
            "price",
            "cost",
            "extPrice",
            "extCost",
        ],
        ("fact_invoiceline", "silver_cw_timeentry") => {
            &["id", "agreementId", "invoiceId", "billableOption", "timeStart", "actualHours", "hourlyRate"]
        }
        ("fact_invoiceline", "silver_cw_invoice") => &["id", "date", "companyId", "applyToType", "applyToId"],
        ("dimagreement", "silver_cw_agreement") => &[
            "id",
            "name",
            "typeId",
            "typeName",
            "parentAgreementId",
            "companyId",
            "startDate",
            "endDate",
            "noEndingDateFlag",
            "cancelledFlag",
            "customFields",
        ],
        (_, "silver_cw_agreement") => &["id", "typeName", "parentAgreementId", "customFields"],
        (_, "silver_cw_member") => &["id", "hourlyCost"],
        _ => &[],
    }
}

/// The rows of a table in the columns of its contract. `key` tells its rows from each other, where it has one.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage), one sentence that names the table and the column.
pub(super) fn fitted(
    table: &str,
    contract: &SchemaRef,
    key: Option<&str>,
    required: &[&str],
    given: &[RecordBatch],
) -> Result<RecordBatch> {
    let schema = given.first().map_or_else(|| Arc::new(Schema::empty()), RecordBatch::schema);
    let key_alone = key.filter(|key| !required.contains(key));
    let needed = key_alone.iter().chain(required).copied();
    let missing: Vec<&str> = needed.filter(|name| schema.field_with_name(name).is_err()).collect();
    if !missing.is_empty() {
        return Err(Error::missing_columns(table, &missing));
    }
    let rows = concat_batches(&schema, given).map_err(|error| Error::unjoined_batches(table).with_source(error))?;
    let mut columns = Vec::with_capacity(contract.fields().len());
    for field in contract.fields() {
        let column = match rows.column_by_name(field.name()) {
            Some(found) => typed(table, field, found)?,
            None => new_null_array(field.data_type(), rows.num_rows()),
        };
        // What nobody says to be deleted isn't.
        columns.push(if field.name() == IS_DELETED { true_or_false(&column) } else { column });
    }
    let rows = RecordBatch::try_new(nullable(contract), columns)
        .map_err(|error| Error::unjoined_batches(table).with_source(error))?;
    if let Some(key) = key {
        tell_apart(table, key, &rows)?;
    }
    Ok(rows)
}

/// A column in the type of its contract.
fn typed(table: &str, field: &Field, column: &ArrayRef) -> Result<ArrayRef> {
    let name = field.name();
    let wanted = field.data_type();
    let unfit = || Error::unfit_column(table, name, column.data_type(), spelled(wanted));
    let plain = plain(column, wanted).ok_or_else(unfit)?;
    // What can't be a value of the type is NULL then.
    let found = cast(&plain, wanted).map_err(|_| unfit())?;
    let mut lost = (0..plain.len()).filter(|row| plain.is_valid(*row) && found.is_null(*row));
    match lost.next() {
        None => Ok(found),
        Some(first) => Err(Error::unfit_values(table, name, spelled(wanted), lost.count() + 1, first + 1)),
    }
}

/// A column without what stands for no value, in a form that can be cast. `None` where its type can't become the wanted one.
fn plain(column: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    let column = match column.data_type() {
        DataType::Dictionary(_, values) => cast(column, values).ok()?,
        DataType::Null => new_null_array(wanted, column.len()),
        _ => column.clone(),
    };
    let given = column.data_type();
    // A number says nothing of its unit, and silver has nothing nested.
    if given.is_nested() || (given.is_numeric() && wanted.is_temporal()) {
        return None;
    }
    Some(match given {
        given if given.is_string() && *wanted != DataType::Utf8 => {
            let texts = text(&column).ok()?;
            let said = texts.iter().map(|text| text.map(str::trim).filter(|text| !text.is_empty()));
            Arc::new(said.collect::<StringArray>())
        }
        given if given.is_floating() => {
            let numbers = cast(&column, &DataType::Float64).ok()?;
            let said =
                numbers.as_primitive::<Float64Type>().iter().map(|number| number.filter(|number| !number.is_nan()));
            // A broken number is no id, and a cast would cut it off.
            let whole = |number: f64| if wanted.is_integer() && number.fract() != 0.0 { f64::NAN } else { number };
            Arc::new(said.map(|number| number.map(whole)).collect::<Float64Array>())
        }
        // A calendar day is that of the instant in UTC, as the API has it.
        DataType::Timestamp(..) if *wanted == DataType::Date32 => cast(&column, &instant()).ok()?,
        _ => column.clone(),
    })
}

fn true_or_false(column: &ArrayRef) -> ArrayRef {
    Arc::new(column.as_boolean().iter().map(|flag| Some(flag.unwrap_or(false))).collect::<BooleanArray>())
}

/// Refuses rows of one record, which every join would multiply, and rows of none.
fn tell_apart(table: &str, key: &str, rows: &RecordBatch) -> Result<()> {
    let Some(column) = rows.column_by_name(key) else { return Ok(()) };
    let keys = text(column)?;
    let mut seen = HashSet::with_capacity(keys.len());
    for (row, value) in keys.iter().enumerate() {
        let value = value.ok_or_else(|| Error::no_key(table, key, row + 1))?;
        if !seen.insert(value) {
            return Err(Error::double_key(table, key, value));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use arrow::array::{Date32Array, Decimal128Array, Int32Array, Int64Array, TimestampMicrosecondArray};
    use connectwise_extract::contract::DECIMAL;

    use super::*;

    fn contract() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("id", DataType::Int32, false),
            Field::new("memberId", DataType::Int32, true),
            Field::new("hours", DataType::Decimal128(DECIMAL.0, DECIMAL.1), true),
            Field::new("started", instant(), true),
            Field::new("day", DataType::Date32, true),
            Field::new("notes", DataType::Utf8, true),
            Field::new(IS_DELETED, DataType::Boolean, false),
        ]))
    }

    fn of(columns: Vec<(&str, ArrayRef)>) -> Vec<RecordBatch> {
        vec![RecordBatch::try_from_iter(columns).unwrap()]
    }

    fn texts(texts: &[Option<&str>]) -> ArrayRef {
        Arc::new(StringArray::from(texts.to_vec()))
    }

    fn fit(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
        fitted("silver_cw_thing", &contract(), Some("id"), &["memberId"], &of(columns))
    }

    fn said(columns: Vec<(&str, ArrayRef)>) -> String {
        let error = fit(columns).unwrap_err();
        assert!(error.is_usage(), "{error:?}");
        error.to_string()
    }

    fn ids() -> (&'static str, ArrayRef) {
        ("id", Arc::new(Int64Array::from(vec![1, 2])))
    }

    fn members(numbers: [Option<f64>; 2]) -> (&'static str, ArrayRef) {
        ("memberId", Arc::new(Float64Array::from(numbers.to_vec())))
    }

    #[test]
    fn values_of_other_libraries_become_those_of_silver() {
        let rows = fit(vec![
            ids(),
            // pandas has numbers that may be missing as floating-point ones, NaN for those that are.
            members([Some(7.0), Some(f64::NAN)]),
            ("hours", Arc::new(Float64Array::from(vec![0.1 + 0.2, 1.0 / 3.0]))),
            ("started", texts(&[Some("2025-03-01T23:30:00Z"), Some(" ")])),
            ("day", texts(&[Some("2025-03-01T00:00:00Z"), Some("2025-03-02")])),
            ("others", texts(&[Some("is left out"), None])),
        ])
        .unwrap();
        assert_eq!(rows.column(0).as_ref(), &Int32Array::from(vec![1, 2]));
        assert_eq!(rows.column(1).as_ref(), &Int32Array::from(vec![Some(7), None]));
        // 0.30000000000000004 and 0.333...: four digits.
        let hours = Decimal128Array::from(vec![3000, 3333]).with_precision_and_scale(DECIMAL.0, DECIMAL.1).unwrap();
        assert_eq!(rows.column(2).as_ref(), &hours);
        // 20,148 days from 1970 to 1 March 2025: 55 years with 14 leap days, 31 days of January and 28 of February.
        let midnight = (55 * 365 + 14 + 31 + 28) * 86_400_000_000_i64;
        let started = midnight + (23 * 3600 + 30 * 60) * 1_000_000;
        let instants = TimestampMicrosecondArray::from(vec![Some(started), None]).with_timezone("UTC");
        assert_eq!(rows.column(3).as_ref(), &instants);
        assert_eq!(rows.column(4).as_ref(), &Date32Array::from(vec![20_148, 20_149]));
        assert_eq!(rows.column(5).null_count(), 2, "a column that isn't there is NULL");
        assert_eq!(rows.column(6).as_ref(), &BooleanArray::from(vec![false, false]));
        assert_eq!(rows.num_columns(), 7);
    }

    #[test]
    fn what_does_not_fit_is_one_sentence() {
        assert_eq!(
            said(vec![("ID", texts(&[Some("1")]))]),
            "silver_cw_thing lacks id, memberId: its columns are named as in silver, agreementId for the API's agreement.id"
        );
        let member = members([Some(7.0), None]);
        let hours = |hours: ArrayRef| vec![ids(), member.clone(), ("hours", hours)];
        assert_eq!(
            said(hours(texts(&[Some("1.5"), Some("an hour")]))),
            "silver_cw_thing has a value in hours where money is needed, in row 2"
        );
        assert_eq!(
            said(hours(Arc::new(BooleanArray::from(vec![true, false])))),
            "silver_cw_thing has Boolean in hours, where money is needed"
        );
        assert_eq!(
            said(vec![ids(), members([Some(7.5), Some(8.5)])]),
            "silver_cw_thing has 2 values in memberId where int is needed, the first in row 1"
        );
        assert_eq!(
            said(vec![ids(), member.clone(), ("started", Arc::new(Int64Array::from(vec![1, 2])))]),
            "silver_cw_thing has Int64 in started, where timestamp is needed"
        );
        let twice = ("id", Arc::new(Int64Array::from(vec![3, 3])) as ArrayRef);
        assert_eq!(
            said(vec![twice, member.clone()]),
            "silver_cw_thing has two rows with id 3: hand over one row of each record"
        );
        let none = ("id", Arc::new(Int64Array::from(vec![Some(3), None])) as ArrayRef);
        assert_eq!(said(vec![none, member]), "silver_cw_thing has no id in row 2");
    }
}
