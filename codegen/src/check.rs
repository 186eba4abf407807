//! Whether what is checked in is what would be generated.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::figures::Figures;
use crate::fixups::Bite;
use crate::generate::{MAX_LINES, Sources, generate};
use crate::import::{facts, sha256};
use crate::selection::Selection;

/// What `check` found in order.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// Pinned version.
    pub version: String,
    /// Entities of `lake.toml`, all resolved.
    pub entities: usize,
    /// What each fixup changed.
    pub fixups: Vec<Bite>,
    /// Lines of each generated file.
    pub files: BTreeMap<String, usize>,
    /// Everything in numbers, as `figures.toml` holds it.
    pub figures: Figures,
}

/// Regenerates in memory and compares.
///
/// # Errors
/// When something is not as it should be: [`Error::is_stale`](crate::Error::is_stale) tells that from an unreadable
/// folder or document.
pub fn check(folder: &Path) -> Result<Checked> {
    let checked = regenerate(folder)?;
    checked.figures.compare(folder)?;
    Ok(checked)
}

/// Regenerates in memory and writes `figures.toml` anew, whatever it held.
///
/// # Errors
/// As [`check`], apart from the figures.
pub fn check_and_write(folder: &Path) -> Result<Checked> {
    let checked = regenerate(folder)?;
    checked.figures.write(folder)?;
    Ok(checked)
}

fn regenerate(folder: &Path) -> Result<Checked> {
    let sources = Sources::read(folder)?;
    let file = sources.api.document_file();
    let found = sha256(&sources.document_text);
    if found != sources.api.document.sha256 {
        return Err(Kind::Pin { file, pinned: sources.api.document.sha256, found }.into());
    }
    if facts(&sources.document).as_bytes() != sources.document_text {
        return Err(Kind::NotCanonical { file }.into());
    }
    let mut first = generate(&sources, &Selection::full(&sources.api))?;
    if let Some(error) = Error::of(std::mem::take(&mut first.left_over)) {
        return Err(error);
    }
    let second = generate(&Sources::read(folder)?, &Selection::full(&sources.api))?;
    for (file, text) in &first.files {
        if second.files.get(file) != Some(text) {
            return Err(Kind::NotDeterministic { file: file.clone() }.into());
        }
        syn::parse_file(text).map_err(|source| Kind::NotRust { file: file.clone(), source })?;
        let lines = text.lines().count();
        if lines > MAX_LINES {
            return Err(Kind::TooLong { file: file.clone(), lines, limit: MAX_LINES }.into());
        }
    }
    let files = first.files.iter().map(|(file, text)| (file.clone(), text.lines().count())).collect();
    let entities = sources.lake.entities.len();
    let figures = Figures::of(&sources, &first)?;
    Ok(Checked { version: sources.api.document.version, entities, fixups: first.bites, files, figures })
}
