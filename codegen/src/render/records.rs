//! Renders what is known of a record type beyond its fields: its name, its id, its rules for writing, and its money.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::escape;
use crate::names::{field_name, type_name};
use crate::pattern::{matches, plain};
use crate::schema::{Limits, Property, Schema, Schemas, Shape};

/// All record types with their schemas, as a list over a generic function `check` of the including test.
pub(crate) fn types(schemas: &Schemas) -> String {
    let records = schemas.iter().filter(|(_, schema)| !matches!(schema, Schema::Enum(_)));
    let lines: String =
        records.map(|(name, _)| format!("    ({name:?}, check::<{}> as Check),\n", type_name(name))).collect();
    format!("const RECORD_TYPES: &[(&str, Check)] = &[\n{lines}];\n")
}

/// Renders one record type after another.
pub(crate) struct Records<'a> {
    schemas: &'a Schemas,
    /// Patterns of the names of money, rates, hours and quantities.
    decimals: &'a [String],
    /// Schemas that have rules, themselves or through a property.
    ruled: BTreeSet<&'a str>,
}

impl<'a> Records<'a> {
    pub(crate) fn new(schemas: &'a Schemas, decimals: &'a [String]) -> Self {
        let mut ruled: BTreeSet<&str> = BTreeSet::new();
        loop {
            let before = ruled.len();
            for (name, schema) in schemas.iter() {
                let Schema::Object(properties) = schema else { continue };
                let has = |property: &Property| {
                    property.limits != Limits::default()
                        || property.shape.target().is_some_and(|target| ruled.contains(target))
                };
                if properties.iter().any(has) {
                    ruled.insert(name);
                }
            }
            if ruled.len() == before {
                return Self { schemas, decimals, ruled };
            }
        }
    }

    /// The text of one schema; nothing for an enumeration.
    pub(crate) fn render(&self, name: &str) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let _ = match self.schemas.get(name) {
            Some(Schema::Object(properties)) => self.write(&mut out, name, properties),
            Some(Schema::FreeForm) => self.write(&mut out, name, &[]),
            _ => Ok(()),
        };
        out
    }

    fn write(&self, out: &mut String, name: &str, properties: &[Property]) -> std::fmt::Result {
        let ty = type_name(name);
        writeln!(out, "impl Record for {ty} {{\n    const NAME: &'static str = {name:?};")?;
        let id = properties.iter().find(|property| property.name == "id").map(|property| &property.shape);
        match id {
            Some(Shape::Int32) => {
                writeln!(out, "    fn id(&self) -> Option<i64> {{\n        self.id.map(i64::from)\n    }}")?
            }
            Some(Shape::Int64) => writeln!(out, "    fn id(&self) -> Option<i64> {{\n        self.id\n    }}")?,
            _ => {}
        }
        if properties.iter().any(|property| property.name == "_info" && property.shape == Shape::TextMap) {
            writeln!(out, "    fn info_text(&self, name: &str) -> Option<&str> {{")?;
            writeln!(out, "        self.info.as_ref()?.get(name)?.as_deref()\n    }}")?;
        }
        let rules: String = properties.iter().filter_map(|property| self.rule(property)).collect();
        if !rules.is_empty() {
            writeln!(out, "    fn rules() -> &'static [Rule] {{")?;
            writeln!(out, "        const RULES: &[Rule] = &[\n{rules}        ];\n        RULES\n    }}")?;
        }
        writeln!(out, "}}")?;
        let number = match id {
            Some(Shape::Int32) => Some("i32"),
            Some(Shape::Int64) => Some("i64"),
            _ => None,
        };
        if let Some(number) = number.filter(|_| name.ends_with("Reference")) {
            writeln!(out, "impl {ty} {{\n    /// Refers to the record with this id.\n    #[must_use]")?;
            writeln!(out, "    pub fn by_id(id: {number}) -> Self {{")?;
            writeln!(out, "        Self {{ id: Some(id), ..Self::default() }}\n    }}\n}}")?;
            writeln!(out, "impl Reference for {ty} {{\n    type Id = {number};\n}}")?;
        }
        let money: Vec<&Property> = properties.iter().filter(|property| self.is_money(property)).collect();
        if !money.is_empty() {
            writeln!(out, "impl {ty} {{")?;
            for property in money {
                let field = field_name(&property.name);
                writeln!(out, "    /// `{}` as a number, where it holds one.\n    #[must_use]", property.name)?;
                writeln!(out, "    pub fn {field}_decimal(&self) -> Option<Decimal> {{")?;
                writeln!(out, "        self.{}.as_deref()?.parse().ok()\n    }}", escape(&field))?;
            }
            writeln!(out, "}}")?;
        }
        Ok(())
    }

    fn is_money(&self, property: &Property) -> bool {
        let named = || self.decimals.iter().any(|pattern| matches(plain(pattern), &property.name));
        property.shape == Shape::Text && named()
    }

    fn rule(&self, property: &Property) -> Option<String> {
        let Limits { required, required_on_update, create_only, update_only, max_length, minimum, maximum } =
            &property.limits;
        let mut calls = String::new();
        let mut flag = |on: bool, call: &str| calls.push_str(if on { call } else { "" });
        flag(*required, ".required()");
        flag(*required_on_update, ".required_on_update()");
        flag(*create_only, ".create_only()");
        flag(*update_only, ".update_only()");
        if let Some(length) = max_length {
            calls.push_str(&format!(".max_length({length})"));
        }
        for (call, limit) in [("minimum", minimum), ("maximum", maximum)] {
            if let Some(limit) = limit.as_ref().and_then(serde_json::Number::as_f64) {
                calls.push_str(&format!(".{call}({limit:?})"));
            }
        }
        if let Some(target) = property.shape.target().filter(|target| self.ruled.contains(target)) {
            calls.push_str(&format!(".nested(<{} as Record>::rules)", type_name(target)));
        }
        let name = &property.name;
        (!calls.is_empty()).then(|| format!("            Rule::new({name:?}){calls},\n"))
    }
}
