//! Renders the values that the document lists for the text columns of the tables.

use crate::catalog::{Column, ColumnKind, Table};
use crate::schema::{Schema, Schemas, Shape};

/// The text that `connectwise_sdk::lake` includes.
pub(crate) fn render(tables: &[Table], schemas: &Schemas) -> String {
    let mut lines = String::new();
    for table in tables {
        let mut walk = ValueWalk { schemas, entity: &table.name, lines: &mut lines };
        walk.columns(&table.schema, &table.columns, "");
    }
    format!(
        "/// The enumerations among the columns, entity by entity.\n\
         pub static VALUES: &[Values] = &[\n{lines}];\n"
    )
}

struct ValueWalk<'a> {
    schemas: &'a Schemas,
    entity: &'a str,
    lines: &'a mut String,
}

impl ValueWalk<'_> {
    fn columns(&mut self, schema: &str, columns: &[Column], above: &str) {
        let Some(Schema::Object(properties)) = self.schemas.get(schema) else { return };
        for column in columns {
            let property = properties.iter().find(|property| property.name == column.name);
            if let Some(property) = property {
                self.column(&property.shape, &column.kind, &format!("{above}{}", column.name));
            }
        }
    }

    fn column(&mut self, shape: &Shape, kind: &ColumnKind, path: &str) {
        match (shape, kind) {
            (Shape::Ref(schema), ColumnKind::Struct(_, columns)) => self.columns(schema, columns, &format!("{path}/")),
            (Shape::List(item), ColumnKind::List(element)) => self.column(item, element, &format!("{path}/*")),
            (Shape::Ref(schema), ColumnKind::Utf8) => {
                if let Some(Schema::Enum(known)) = self.schemas.get(schema) {
                    let entity = self.entity;
                    let line = format!("    Values {{ entity: {entity:?}, path: {path:?}, known: &{known:?} }},\n");
                    self.lines.push_str(&line);
                }
            }
            _ => {}
        }
    }
}
