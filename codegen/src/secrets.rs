//! Which properties `Debug` must not show.

use std::collections::BTreeSet;

use crate::document::Document;
use crate::error::{Kind, Result};
use crate::lake::Lake;
use crate::pattern::{is_optional, matches, plain};
use crate::schema::{Shape, shape};

/// Secret properties by schema and wire name.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    found: BTreeSet<(String, String)>,
}

impl Secrets {
    /// Resolves the patterns of `api.toml` (`name` or `Schema/name`) over the whole document, and adds what `lake.toml`
    /// calls secret. A pattern that matches no text is an error.
    pub(crate) fn resolve(document: &Document, patterns: &[String], lake: &Lake) -> Result<Self> {
        let mut secrets = Self::default();
        let mut hit = vec![false; patterns.len()];
        for (schema, described) in document.schemas() {
            for (property, described) in described.properties() {
                let text = matches!(shape(described), Shape::Text | Shape::Uuid | Shape::Timestamp | Shape::Any);
                let path = format!("{schema}/{property}");
                for (pattern, hit) in patterns.iter().zip(&mut hit) {
                    let subject = if pattern.contains('/') { &path } else { property };
                    if text && matches(plain(pattern), subject) {
                        *hit = true;
                        secrets.found.insert((schema.to_owned(), property.to_owned()));
                    }
                }
                let declared = lake.entities.iter().filter(|entity| entity.schema() == schema);
                if declared.flat_map(|entity| &entity.secrets).any(|pattern| matches(plain(pattern), property)) {
                    secrets.found.insert((schema.to_owned(), property.to_owned()));
                }
            }
        }
        match patterns.iter().zip(hit).find(|(pattern, hit)| !hit && !is_optional(pattern)) {
            None => Ok(secrets),
            Some((pattern, _)) => Err(Kind::SecretDead { pattern: pattern.clone() }.into()),
        }
    }

    /// Whether `Debug` must not show this property.
    pub(crate) fn contains(&self, schema: &str, property: &str) -> bool {
        self.found.contains(&(schema.to_owned(), property.to_owned()))
    }
}
