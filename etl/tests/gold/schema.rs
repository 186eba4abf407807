//! The contracts of the gold tables, for review.

use std::fmt::Write;

#[test]
fn gold_schemas() {
    let mut text = String::new();
    for (table, schema) in connectwise_etl::gold::schemas().unwrap() {
        writeln!(text, "{table}").unwrap();
        for field in schema.fields() {
            writeln!(
                text,
                "  {} {}{}",
                field.name(),
                field.data_type(),
                if field.is_nullable() { "" } else { " not null" }
            )
            .unwrap();
        }
    }
    insta::assert_snapshot!("gold_schemas", text);
}
