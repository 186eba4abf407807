//! Looks up the names of a condition and holds its values against their types.

use super::eval::{Condition, Test};
use super::lex::Compare;
use super::like::Pattern;
use super::names::{Column, Names, column, loosened};
use super::parse::{Expression, Literal};
use super::probe::MOST_COLUMNS;
use super::{Enumerations, Refusal};
use crate::document::{Property, Type};

pub(crate) fn resolve(names: Names, expression: &Expression) -> Result<Condition, Refusal> {
    let mut resolver = Resolver { names, columns: Vec::new() };
    let test = resolver.test(expression)?;
    Ok(Condition::new(resolver.columns, test))
}

struct Resolver {
    names: Names,
    columns: Vec<Column>,
}

impl Resolver {
    fn property(&self, path: &str) -> Result<Property, Refusal> {
        let property = self.names.property(path).map(loosened).ok_or_else(|| Refusal::unknown(path))?;
        if property.of == Type::Array {
            return Err(Refusal::condition(format!(
                "{path} is a collection: use childConditions or customFieldConditions."
            )));
        }
        Ok(property)
    }

    fn column(&mut self, property: &Property) -> Result<usize, Refusal> {
        let column = column(property);
        if let Some(at) = self.columns.iter().position(|known| *known == column) {
            return Ok(at);
        }
        if self.columns.len() == MOST_COLUMNS {
            return Err(Refusal::condition("The condition names too many properties."));
        }
        self.columns.push(column);
        Ok(self.columns.len() - 1)
    }

    /// Whether this server makes a comparison, which of enumerations and references it needn't.
    fn comparable(&self, property: &Property, operator: Compare, value: &Literal) -> Result<(), Refusal> {
        let grammar = self.names.grammar;
        let is_refused = match property.of {
            Type::Enumeration => {
                grammar.enumerations == Enumerations::EqualOnly
                    && (operator != Compare::Equal || *value == Literal::Null)
            }
            Type::Object => *value == Literal::Null && !grammar.null_references,
            _ => false,
        };
        if is_refused { Err(Refusal::enumeration()) } else { Ok(()) }
    }

    fn test(&mut self, expression: &Expression) -> Result<Test, Refusal> {
        match expression {
            Expression::All(parts) => {
                Ok(Test::All(parts.iter().map(|part| self.test(part)).collect::<Result<_, _>>()?))
            }
            Expression::Any(parts) => {
                Ok(Test::Any(parts.iter().map(|part| self.test(part)).collect::<Result<_, _>>()?))
            }
            Expression::Compare { path, operator, value } => {
                let property = self.property(path)?;
                let value = checked(&property, value)?;
                if value == Literal::Null && !matches!(operator, Compare::Equal | Compare::NotEqual) {
                    return Err(Refusal::condition("null can only be compared with = and !=."));
                }
                self.comparable(&property, *operator, &value)?;
                Ok(Test::Compare { column: self.column(&property)?, operator: *operator, value })
            }
            Expression::In { path, negated, values } => {
                let property = self.property(path)?;
                let operator = if *negated { Compare::NotEqual } else { Compare::Equal };
                for value in values {
                    self.comparable(&property, operator, value)?;
                }
                let values = values.iter().map(|value| checked(&property, value)).collect::<Result<_, _>>()?;
                Ok(Test::In { column: self.column(&property)?, negated: *negated, values })
            }
            Expression::Like { path, negated, contains, pattern } => {
                let property = self.property(path)?;
                match property.of {
                    Type::Text | Type::Anything => {}
                    Type::Enumeration if self.names.grammar.enumerations == Enumerations::Texts => {}
                    Type::Enumeration => return Err(Refusal::enumeration()),
                    other => return Err(expected(other, "a string")),
                }
                // Nobody hears that the comparison was left out.
                if pattern.contains('%') && !self.names.grammar.percent {
                    return Ok(Test::All(Vec::new()));
                }
                let pattern = if *contains { Pattern::containing(pattern) } else { Pattern::new(pattern) };
                Ok(Test::Like { column: self.column(&property)?, negated: *negated, pattern })
            }
        }
    }
}

/// A value of the property's type, or the API's complaint. Texts are compared in lower case and without trailing blanks.
fn checked(property: &Property, value: &Literal) -> Result<Literal, Refusal> {
    let found = match value {
        Literal::Null => return Ok(Literal::Null),
        Literal::Text(text) if property.of == Type::Anything => return Ok(Literal::Text(super::eval::folded(text))),
        value if property.of == Type::Anything => return Ok(value.clone()),
        Literal::Number(_) if property.of == Type::Number => return Ok(value.clone()),
        Literal::Flag(_) if property.of == Type::Flag => return Ok(value.clone()),
        // Some properties hold dates and are strings to the interface document: both forms are understood there.
        Literal::Time(_) | Literal::Never if matches!(property.of, Type::Time | Type::Text) => return Ok(value.clone()),
        Literal::Text(text) if matches!(property.of, Type::Text | Type::Enumeration) => {
            return Ok(Literal::Text(super::eval::folded(text)));
        }
        Literal::Number(_) => "a numeric",
        Literal::Flag(_) => "a boolean",
        Literal::Time(_) | Literal::Never => "a DateTime",
        Literal::Text(_) => "a string",
    };
    Err(expected(property.of, found))
}

fn expected(wanted: Type, found: &str) -> Refusal {
    let wanted = match wanted {
        Type::Number => "a numeric value",
        Type::Flag => "a boolean value",
        Type::Text | Type::Enumeration => "a string value",
        Type::Time => "a DateTime value",
        Type::Object | Type::Array | Type::Anything => "null",
    };
    Refusal::condition(format!(
        "Expected {wanted}, not {found}. String values should be enclosed with double or single quotes; DateTime values should be \
         enclosed in square brackets; boolean values should be True or False."
    ))
}
