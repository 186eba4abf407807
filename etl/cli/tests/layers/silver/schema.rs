//! The contracts of the silver tables, for review: an API bump shows up here.

use std::fmt::Write;

use connectwise_extract::catalog;
use connectwise_extract::contract::Personal;
use connectwise_extract::extra::ExtraColumns;
use connectwise_extract::privacy::Privacy;
use connectwise_pipeline::silver;

#[test]
fn silver_schemas() {
    for entity in catalog::entities() {
        let mut text = String::new();
        for column in silver::policy(entity, &Privacy::default(), &ExtraColumns::default()) {
            let policy = match column.personal {
                Some(Personal::Name) => format!(" (name, {})", column.treatment),
                Some(Personal::Detail) => format!(" (personal, {})", column.treatment),
                None => String::new(),
            };
            match &column.field {
                Some(field) => {
                    let nullable = if field.is_nullable() { "" } else { " not null" };
                    writeln!(text, "{} {}{nullable}{policy}", field.name(), field.data_type()).unwrap();
                }
                None => writeln!(text, "-- {}: {}", column.name, column.treatment).unwrap(),
            }
        }
        insta::assert_snapshot!(format!("silver_cw_{}", entity.table), text);
    }
}

#[test]
fn history_schemas() {
    for entity in catalog::entities().iter().filter(|entity| entity.history) {
        let mut text = String::new();
        let schema = silver::history::schema(entity, &Privacy::default(), &ExtraColumns::default()).unwrap();
        for field in schema.fields() {
            let nullable = if field.is_nullable() { "" } else { " not null" };
            writeln!(text, "{} {}{nullable}", field.name(), field.data_type()).unwrap();
        }
        insta::assert_snapshot!(format!("silver_cw_{}_history", entity.table), text);
    }
}

#[test]
fn no_secret_reaches_silver() {
    let member = silver::schema(catalog::entity("Member").unwrap());
    for secret in ["password", "token"] {
        assert!(member.field_with_name(secret).is_err(), "{secret}");
    }
}
