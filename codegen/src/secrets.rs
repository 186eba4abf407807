//! Which properties `Debug` must not show.

use std::collections::BTreeSet;

use crate::document::Document;
use crate::error::Kind;
use crate::lake::{Lake, Shared};
use crate::pattern::{is_optional, matches, plain};
use crate::problems::Problems;
use crate::schema::{Shape, shape};

/// Secret properties by schema and wire name.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    found: BTreeSet<(String, String)>,
}

impl Secrets {
    /// Resolves the patterns of `api.toml` (`name` or `Schema/name`) over the whole document, and adds what `lake.toml`
    /// calls secret. A pattern that matches no text is told.
    pub(crate) fn resolve(document: &Document, patterns: &[String], lake: &Lake, problems: &mut Problems) -> Self {
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
        for (pattern, _) in patterns.iter().zip(hit).filter(|(pattern, hit)| !hit && !is_optional(pattern)) {
            problems.add(Kind::SecretDead { pattern: pattern.clone() });
        }
        secrets
    }

    /// Whether a pattern matches a text of the document.
    pub(crate) fn matches(document: &Document, pattern: &str) -> bool {
        let mut problems = Problems::default();
        let lake = Lake { shared: Shared::default(), entities: Vec::new() };
        Self::resolve(document, &[pattern.to_owned()], &lake, &mut problems);
        problems.split().1.is_empty()
    }

    /// Whether `Debug` must not show this property.
    pub(crate) fn contains(&self, schema: &str, property: &str) -> bool {
        self.found.contains(&(schema.to_owned(), property.to_owned()))
    }
}
