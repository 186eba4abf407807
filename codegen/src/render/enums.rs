//! Renders open enumerations: the known values here, the behaviour once, in the SDK's `open_enum!`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::error::Result;
use crate::names::{Owner, Scope, type_name, variant_name};
use crate::schema::{Schema, Schemas};

/// Variant that keeps the text of a value that the document doesn't list.
const FALLBACK: &str = "Unknown";

/// The `open_enum!` of one enumeration; nothing for any other schema.
pub(crate) fn render(name: &str, schemas: &Schemas) -> Result<String> {
    let mut out = String::new();
    let Some(Schema::Enum(values)) = schemas.get(name) else { return Ok(out) };
    let mut scope = Scope::default();
    let mut variants = String::new();
    for value in values.iter().filter(unique()) {
        let variant = variant_name(value);
        // A listed value of that name reads as the fallback, which writes the same text back.
        if variant != FALLBACK {
            scope.take(&variant, Owner::schema(name))?;
            // Writing to a String cannot fail.
            let _ = writeln!(variants, "        {variant} = {value:?},");
        }
    }
    let ty = type_name(name);
    let _ = write!(out, "open_enum! {{\n    /// Values of `{ty}`.\n    {ty} {{\n{variants}    }}\n}}\n");
    Ok(out)
}

fn unique<'a>() -> impl FnMut(&&'a String) -> bool {
    let mut seen = BTreeSet::new();
    move |value| seen.insert(value.as_str())
}
