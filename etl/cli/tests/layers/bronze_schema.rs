//! The contracts of the bronze tables, for review: a new version of the interface shows up here.

use std::fmt::Write;

use connectwise_extract::{catalog, contract};
use connectwise_pipeline::quarantine;

fn lines(schema: &arrow::datatypes::Schema) -> String {
    let mut text = String::new();
    for field in schema.fields() {
        let nullable = if field.is_nullable() { "" } else { " not null" };
        writeln!(text, "{} {}{nullable}", field.name(), field.data_type()).unwrap();
    }
    text
}

#[test]
fn bronze_schemas() {
    for entity in catalog::entities() {
        insta::assert_snapshot!(format!("bronze_cw_{}", entity.table), lines(&contract::bronze(entity)));
    }
    insta::assert_snapshot!("bronze_cw_quarantine", lines(&quarantine::schema()));
}
