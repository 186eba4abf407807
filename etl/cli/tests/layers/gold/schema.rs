//! The contracts of the gold tables and the plan of a build, for review.

use std::fmt::Write;

#[test]
fn gold_schemas() {
    let mut text = String::new();
    for (table, schema) in connectwise_pipeline::gold::schemas().unwrap() {
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

#[test]
fn gold_plan() {
    let mut text = String::new();
    for model in connectwise_pipeline::gold::plan().unwrap() {
        writeln!(text, "{}: {}", model.name, model.strategy).unwrap();
        let lists =
            [("key", vec![model.key]), ("reads", model.reads), ("silver", model.silver), ("stale by", model.inputs)];
        for (what, list) in lists {
            if list.iter().any(|one| !one.is_empty()) {
                writeln!(text, "  {what}: {}", list.join(", ")).unwrap();
            }
        }
    }
    insta::assert_snapshot!("gold_plan", text);
}
