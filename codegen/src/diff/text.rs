//! A diff in Markdown, for people.

use std::fmt;

use super::{Diff, Severity};

impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, new, breaking, tolerant, additive, .. } = self;
        writeln!(f, "# {old} -> {new}\n")?;
        writeln!(f, "{breaking} breaking, {tolerant} tolerant, {additive} additive")?;
        for (severity, title) in [
            (Severity::Breaking, "Breaking: code, columns or generation"),
            (Severity::Tolerant, "Tolerant: different, and what exists goes on working"),
            (Severity::Additive, "Additive: new"),
        ] {
            let mut changes = self.changes.iter().filter(|change| change.severity == severity).peekable();
            if changes.peek().is_some() {
                writeln!(f, "\n## {title}\n")?;
            }
            for change in changes {
                writeln!(f, "- `{}` {}", change.subject, change.what)?;
                for (label, effects) in [("SDK", &change.sdk), ("tables", &change.tables), ("lake.toml", &change.lake)]
                {
                    for effect in effects {
                        writeln!(f, "  - {label}: {effect}")?;
                    }
                }
            }
        }
        Ok(())
    }
}
