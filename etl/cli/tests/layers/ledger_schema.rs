//! The contracts of the ledger's tables, for review, and that Fabric can read them.

use std::fmt::Write;

use arrow::datatypes::{DataType, TimeUnit};
use connectwise_pipeline::ledger;

#[test]
fn ledger_schemas() {
    for table in ledger::tables() {
        let schema = ledger::schema(&table.name).unwrap();
        let mut text = String::new();
        for field in schema.fields() {
            let nullable = if field.is_nullable() { "" } else { " not null" };
            writeln!(text, "{} {}{nullable}", field.name(), field.data_type()).unwrap();
        }
        insta::assert_snapshot!(table.name.clone(), text);
    }
}

#[test]
fn every_type_is_one_that_the_sql_endpoint_shows() {
    for table in ledger::tables() {
        for field in ledger::schema(&table.name).unwrap().fields() {
            let shown = match field.data_type() {
                DataType::Utf8 | DataType::Int64 | DataType::Float64 | DataType::Boolean => true,
                DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => zone.as_ref() == "UTC",
                _ => false,
            };
            assert!(shown, "{table} {field}");
            assert!(field.name().chars().all(|letter| letter.is_ascii_alphanumeric()), "{}", field.name());
        }
    }
    assert_eq!(ledger::schema("etl_nothing"), None);
}
