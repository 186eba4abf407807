//! Columns that a project adds to silver: properties that live answers have and the interface document lacks.
//!
//! Bronze keeps such a property in `_rescued`. An entry of the table `[silver.extra]` makes a typed column of it.

use std::collections::BTreeMap;

use connectwise_sdk::catalog::{Entity, Kind, Meaning};

use crate::catalog;
use crate::contract::{ExtraType, HISTORY, Origin, Personal, SilverColumn, silver_columns};
use crate::error::{Error, Result};
use crate::privacy::{Privacy, is_personal, is_secret, secrets};

/// The checked table `[silver.extra]` of a configuration.
///
/// ```toml
/// [silver.extra]
/// "AgreementAddition.additionStatus" = "string"
/// "TimeEntry.member/grade" = "string"
/// ```
#[derive(Debug, Clone, Default)]
pub struct ExtraColumns(Vec<(&'static Entity, SilverColumn)>);

impl ExtraColumns {
    /// The columns of a configuration.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config), one sentence, for an entity that doesn't exist, a property that the document has or that can't have
    /// a column, a name that the table has already, and a secret.
    pub fn new(config: &BTreeMap<String, ExtraType>) -> Result<Self> {
        let mut all: Vec<(&'static Entity, SilverColumn)> = Vec::new();
        for (path, kind) in config {
            let (entity, column) = column(path, *kind).map_err(|why| Error::extra_column(path, why))?;
            let name = column.field.name();
            let is_taken = |(of, other): &(&Entity, SilverColumn)| {
                of.table == entity.table && other.field.name().eq_ignore_ascii_case(name)
            };
            if all.iter().any(is_taken) {
                return Err(Error::extra_column(
                    path,
                    format!("another entry makes a column {name} of {}", entity.name),
                ));
            }
            all.push((entity, column));
        }
        Ok(Self(all))
    }

    /// Checks that the policy says of each column that is called like personal data what becomes of it.
    ///
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config), with the line that is missing.
    pub fn check(&self, privacy: &Privacy) -> Result<()> {
        for (entity, column) in self.0.iter().filter(|(_, column)| column.personal.is_some()) {
            if !privacy.mentions(entity, column) {
                let name = format!("{}.{}", entity.name, column.field.name());
                let why = format!(
                    "it is called like personal data, so that [privacy.columns] has to say what becomes of it: {name:?} = \"keep\", \
                     \"hash\" or \"drop\""
                );
                let path = match &column.origin {
                    Origin::Rescued(path, _) => format!("{}.{}", entity.name, path.join("/")),
                    _ => name,
                };
                return Err(Error::extra_column(&path, why));
            }
        }
        Ok(())
    }

    /// All of them, with their entities.
    pub fn all(&self) -> &[(&'static Entity, SilverColumn)] {
        &self.0
    }

    /// Those of an entity.
    pub fn of<'a>(&'a self, entity: &'a Entity) -> impl Iterator<Item = &'a SilverColumn> {
        self.0.iter().filter(|(of, _)| of.table == entity.table).map(|(_, column)| column)
    }
}

/// The line that makes a column of a property, as a configuration has it. `None` where the property can have none.
pub fn line(entity: &str, path: &str, kind: ExtraType) -> Option<String> {
    let quoted = format!("{entity}.{path}");
    // A name that was redacted, or that TOML would have to escape, is nothing to copy.
    let is_plain = quoted.chars().all(|letter| letter.is_alphanumeric() || "._/- ".contains(letter));
    column(&quoted, kind).ok().filter(|_| is_plain).map(|_| format!("\"{quoted}\" = \"{}\"", kind.name()))
}

/// The entity and the column of an entry such as `AgreementAddition.additionStatus`.
fn column(path: &str, kind: ExtraType) -> std::result::Result<(&'static Entity, SilverColumn), String> {
    let form = "a property is written as its entity and its path, as in \"AgreementAddition.additionStatus\" or \
                \"TimeEntry.member/grade\"";
    let (entity, property) = path.split_once('.').ok_or(form)?;
    let entity = catalog::entity(entity).map_err(|error| error.to_string())?;
    let steps: Vec<&str> = property.split('/').collect();
    if steps.iter().any(|step| step.trim().is_empty()) {
        return Err(form.to_owned());
    }
    let personal = place(entity, &steps)?;
    let column = SilverColumn::extra(steps.iter().map(|step| (*step).to_owned()).collect(), kind, personal);
    let name = column.field.name();
    let own = silver_columns(entity);
    let history = HISTORY.iter().filter(|_| entity.history).copied();
    let mut taken = own.iter().map(|column| column.field.name().as_str()).chain(history);
    if taken.any(|taken| taken.eq_ignore_ascii_case(name)) {
        return Err(format!("silver of {} has a column {name} already", entity.name));
    }
    let id = name.get(..2).filter(|start| start.eq_ignore_ascii_case("cf")).and_then(|_| name.get(2..));
    if id.is_some_and(|id| id.starts_with(|digit: char| digit.is_ascii_digit())) {
        return Err(format!("{name} is a name of columns of custom fields"));
    }
    Ok((entity, column))
}

/// What a property tells of a person, where it is one that the document lacks and that isn't a secret.
fn place(entity: &Entity, steps: &[&str]) -> std::result::Result<Option<Personal>, String> {
    let secret = || Err("it is called like a secret, which silver never holds in any form".to_owned());
    let declared = secrets(entity);
    let is_declared = |step: &str| declared.iter().any(|path| path.rsplit('/').next() == Some(step));
    if steps.iter().any(|step| is_secret(step) || is_declared(step)) {
        return secret();
    }
    if steps.iter().any(|step| *step == "*" || step.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err("elements of a list have no columns of their own".to_owned());
    }
    let mut columns = entity.columns;
    let mut personal = None;
    for (at, step) in steps.iter().enumerate() {
        let Some(column) = columns.iter().find(|column| column.name == *step) else {
            let called = is_personal(&steps.join("/")).then_some(Personal::Detail);
            return Ok(personal.or(called));
        };
        if column.meaning == Meaning::Secret {
            return secret();
        }
        // What is inside of something personal is so too.
        personal = personal.or(Personal::of(column.meaning));
        let above = steps.iter().take(at + 1).copied().collect::<Vec<_>>().join("/");
        match column.kind {
            _ if at + 1 == steps.len() => break,
            Kind::Struct(inner) => columns = inner,
            Kind::List(_) => return Err(format!("{above} is a list, whose elements have no columns of their own")),
            Kind::StringMap | Kind::Json => {
                return Err(format!("the interface document has {above} with whatever is in it"));
            }
            _ => return Err(format!("{above} is no object in the interface document")),
        }
    }
    let own = silver_columns(entity);
    let own = own.iter().find(|column| matches!(&column.origin, Origin::Path(path, ..) if path.as_slice() == steps));
    Err(match own {
        Some(column) => format!("the interface document has it, and silver the column {}", column.field.name()),
        None => "the interface document has it".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ExtraColumns> {
        ExtraColumns::new(&toml::from_str(text).unwrap())
    }

    #[test]
    fn a_property_becomes_a_column_called_after_its_path() {
        let extra =
            read("\"AgreementAddition.additionStatus\" = \"string\"\n\"timeentry.member/loads/today\" = \"decimal\"")
                .unwrap();
        let time = catalog::entity("TimeEntry").unwrap();
        let columns: Vec<String> =
            extra.of(time).map(|column| format!("{} {}", column.field.name(), column.field.data_type())).collect();
        assert_eq!(columns, ["memberLoadsToday Decimal128(19, 4)"]);
        assert_eq!(extra.all().len(), 2);
        assert!(extra.check(&Privacy::default()).is_ok());
    }

    #[test]
    fn what_can_have_no_column_is_one_sentence() {
        for (path, sentence) in [
            (
                "additionStatus",
                "a property is written as its entity and its path, as in \"AgreementAddition.additionStatus\" or",
            ),
            ("TimeEntry.", "a property is written as its entity and its path"),
            ("TimeEntry.a//b", "a property is written as its entity and its path"),
            ("TimeEntri.grade", "there is no entity \"TimeEntri\": did you mean TimeEntry"),
            ("TimeEntry.notes", "the interface document has it, and silver the column notes"),
            ("TimeEntry.member/name", "the interface document has it, and silver the column memberName"),
            ("TimeEntry.member", "the interface document has it"),
            ("TimeEntry.customFields", "the interface document has it, and silver the column customFields"),
            ("TimeEntry.customFields/0/extra", "elements of a list have no columns of their own"),
            ("TimeEntry.customFields/extra", "customFields is a list, whose elements have no columns of their own"),
            ("TimeEntry._info/extra", "the interface document has _info with whatever is in it"),
            ("TimeEntry.notes/extra", "notes is no object in the interface document"),
            ("TimeEntry.lastupdated", "silver of TimeEntry has a column lastupdated already"),
            ("TimeEntry._etl_run_id", "silver of TimeEntry has a column _etl_run_id already"),
            ("AgreementAddition.validFrom", "silver of AgreementAddition has a column validFrom already"),
            ("TimeEntry.cf20", "cf20 is a name of columns of custom fields"),
            ("TimeEntry.apiKey", "it is called like a secret, which silver never holds in any form"),
            ("Member.boss/password", "it is called like a secret, which silver never holds in any form"),
        ] {
            let error = read(&format!("\"{path}\" = \"string\"")).unwrap_err();
            assert!(error.is_usage());
            let expected = format!("[silver.extra] names {path:?}: {sentence}");
            assert!(error.to_string().starts_with(&expected), "{error}");
        }
        let error =
            read("\"TimeEntry.member/loads\" = \"string\"\n\"TimeEntry.memberLoads\" = \"string\"").unwrap_err();
        assert_eq!(
            error.to_string(),
            "[silver.extra] names \"TimeEntry.memberLoads\": another entry makes a column memberLoads of TimeEntry"
        );
        assert!(toml::from_str::<BTreeMap<String, ExtraType>>("\"TimeEntry.grade\" = \"text\"").is_err());
    }

    #[test]
    fn what_is_called_like_personal_data_needs_a_word_of_the_policy() {
        let extra = read("\"TimeEntry.member/homeAddress\" = \"string\"").unwrap();
        assert_eq!(
            extra.check(&Privacy::default()).unwrap_err().to_string(),
            "[silver.extra] names \"TimeEntry.member/homeAddress\": it is called like personal data, so that [privacy.columns] has to \
             say what becomes of it: \"TimeEntry.memberHomeAddress\" = \"keep\", \"hash\" or \"drop\""
        );
        for treatment in ["keep", "hash", "drop"] {
            let config =
                toml::from_str(&format!("[columns]\n\"TimeEntry.memberHomeAddress\" = \"{treatment}\"")).unwrap();
            assert!(Privacy::new(&config).is_err(), "without the entry there is no such column");
            let privacy = Privacy::with_columns(&config, extra.all()).unwrap();
            assert!(extra.check(&privacy).is_ok());
            let (entity, column) = &extra.all()[0];
            assert_eq!(privacy.of(entity, column).name(), treatment);
        }
    }

    #[test]
    fn only_what_can_have_a_column_has_a_line() {
        let line = |path: &str| line("TimeEntry", path, ExtraType::Integer);
        assert_eq!(line("member/loads").unwrap(), "\"TimeEntry.member/loads\" = \"integer\"");
        for path in ["apiKey", "customFields/*/extra", "a\"b", "[redacted]", "notes"] {
            assert_eq!(line(path), None, "{path}");
        }
    }
}
