//! The crate's one error.

use std::fmt;
use std::path::{Path, PathBuf};

/// What went wrong while reading the interface document or generating from it.
///
/// `Display` is one sentence that says where and what to do; the source, if there is one, is exposed through
/// [`std::error::Error::source`].
pub struct Error {
    kind: Box<Kind>,
    /// What else is wrong.
    others: Vec<Error>,
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Kind {
    #[error("cannot read {}: check that the file exists and is readable", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("cannot write {}: check the folder and its permissions", path.display())]
    Write { path: PathBuf, source: std::io::Error },
    #[error(
        "{name} has {values} values, and at most {most} are read: the interface has had 130,000, so that this is another document"
    )]
    TooLarge { name: String, values: usize, most: usize },
    #[error("{} is not JSON: {source}", name)]
    NotJson { name: String, source: serde_json::Error },
    #[error("{name} is {found}: only OpenAPI 3.0 documents in JSON (UTF-8) can be read")]
    NotOpenApi3 { name: String, found: String },
    #[error(
        "the document describes another API, by its title `{title}`: none of its paths begins with a prefix of [modules] in api.toml"
    )]
    OtherApi { title: String },
    #[error("{} is not valid at line {line}: {}", path.display(), source.message())]
    Config { path: PathBuf, line: usize, source: toml::de::Error },
    #[error("{}expected {expected}{}", InOperation(operation.as_deref()), At(Some(pointer)))]
    Shape { operation: Option<String>, pointer: String, expected: &'static str },
    #[error("{}{problem}{}", InOperation(operation.as_deref()), At(Some(pointer)))]
    Unread { operation: Option<String>, pointer: String, problem: String },
    #[error("{}two things are called `{name}` in Rust: {first} and {second}{}", InOperation(place.operation.as_deref()), At(place.pointer.as_deref()))]
    NameClash { name: String, first: String, second: String, place: Place },
    #[error(
        "the path {path} ({operation}) is not a template that can be filled: leave it out in api.toml, with the reason"
    )]
    PathTemplate { operation: String, path: String, pointer: String },
    #[error("the version `{version}` cannot be part of a file name")]
    Version { version: String },
    #[error("fixup {name} no longer bites: the document has nothing left that it repairs, remove it")]
    FixupDead { name: &'static str },
    #[error("api.toml excludes the path {path}, which the document does not have: remove the exclusion")]
    ExclusionDead { path: String },
    #[error("api.toml names no module for the path prefix `{prefix}` ({path}): add it under [modules]")]
    NoModule { prefix: String, path: String, pointer: String },
    #[error("api.toml has no module `{module}`: name one of those under [modules]")]
    ModuleUnknown { module: String },
    #[error("api.toml marks `{pattern}` as secret, which matches no text property: remove or repair the pattern")]
    SecretDead { pattern: String },
    #[error(
        "api.toml says under [[look_alike]] what `{schema}` is, which the document does not have: remove or repair it"
    )]
    LookAlikeDead { schema: String },
    #[error("lake.toml: the entity {entity} lists {path}, which has no GET operation in the document")]
    EntityGone { entity: String, path: String },
    #[error("lake.toml: the entity {entity} names the entity {other}, whose list the document does not have")]
    RelativeGone { entity: String, other: String },
    #[error("lake.toml: the entity {entity} lists {path}, which {problem}")]
    EntityPath { entity: String, path: String, problem: &'static str },
    #[error("lake.toml: the table {table} is made by two entities")]
    EntityTwice { table: String },
    #[error("lake.toml: {owner} has `{pattern}` under {list}, which matches no property: remove or repair it")]
    RuleDead { owner: String, list: &'static str, pattern: String },
    #[error("lake.toml: {owner} declares {path} as {list}, which its type in the document ({kind}) cannot mean")]
    RuleMisfit { owner: String, list: &'static str, path: String, kind: &'static str },
    #[error("lake.toml: {owner} declares {path} both as {first} and as {second}")]
    RuleTwice { owner: String, path: String, first: &'static str, second: &'static str },
    #[error("{file} is pinned with SHA-256 {pinned} but has {found}: import the document again, do not edit it")]
    Pin { file: String, pinned: String, found: String },
    #[error("{file} is not in the facts form: import it again")]
    NotCanonical { file: String },
    #[error("generating twice gave two different texts of {file}: this is a bug of the generator")]
    NotDeterministic { file: String },
    #[error(
        "{file} does not hold the figures of what is generated: run `connectwise-codegen check --write` and review"
    )]
    Figures { file: String, found: String },
    #[error("the generated file {file} has {lines} lines, more than {limit}: this is a bug of the generator")]
    TooLong { file: String, lines: usize, limit: usize },
    #[error("the generated file {file} is not Rust: this is a bug of the generator")]
    NotRust { file: String, source: syn::Error },
    #[error("the schema renderer refused the schemas: {source}")]
    Typify { source: typify::Error },
    #[error("the schema renderer did not keep the field {field} of {ty}: this is a bug of the generator")]
    FieldLost { ty: String, field: String },
    #[error("the operation renderer refused the operations: {problem}")]
    Progenitor { problem: String },
    #[error("the operation renderer did not write the call {name}: this is a bug of the generator")]
    CallLost { name: String },
    #[error("the operation renderer wrote the type {ty}, which the SDK has itself: this is a bug of the generator")]
    OwnType { ty: String },
    #[error("the schemas could not be handed to the renderer")]
    SchemaForm { source: serde_json::Error },
}

/// Where something stands in the document, as far as it does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) operation: Option<String>,
    pub(crate) pointer: Option<String>,
}

struct InOperation<'a>(Option<&'a str>);

struct At<'a>(Option<&'a str>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some("") => f.write_str(" at the root"),
            Some(pointer) => write!(f, " at {pointer}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for InOperation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(id) => write!(f, "operation {id}: "),
            None => Ok(()),
        }
    }
}

impl Error {
    /// These faults as one error, if there is one: it is the first, and has the others.
    pub(crate) fn of(problems: Vec<Self>) -> Option<Self> {
        let mut all = problems.into_iter().flat_map(Self::into_all);
        let first = all.next()?;
        Some(Self { kind: first.kind, others: all.collect() })
    }

    /// This and the others, each by itself.
    pub(crate) fn into_all(mut self) -> Vec<Self> {
        let others = std::mem::take(&mut self.others);
        std::iter::once(self).chain(others).collect()
    }

    /// What else is wrong: a document is read on after a fault, so that all are known at once.
    #[must_use]
    pub fn others(&self) -> &[Self] {
        &self.others
    }

    /// Whether something is left over that the document has nothing for: a fixup, an exclusion, a pattern, an entity. It says that
    /// configuration and document are of two versions, and stops `check` of the pinned document alone.
    #[must_use]
    pub fn is_left_over(&self) -> bool {
        matches!(
            *self.kind,
            Kind::FixupDead { .. }
                | Kind::ExclusionDead { .. }
                | Kind::SecretDead { .. }
                | Kind::LookAlikeDead { .. }
                | Kind::RuleDead { .. }
                | Kind::EntityGone { .. }
                | Kind::RelativeGone { .. }
        )
    }

    /// Whether a part of the document can't be read, where the rest of it was.
    #[must_use]
    pub fn is_in_document(&self) -> bool {
        matches!(*self.kind, Kind::Shape { .. } | Kind::Unread { .. } | Kind::Version { .. })
    }

    pub(crate) fn read(path: &Path, source: std::io::Error) -> Self {
        Kind::Read { path: path.to_owned(), source }.into()
    }

    pub(crate) fn config(path: &Path, text: &str, source: toml::de::Error) -> Self {
        let at = source.span().map_or(0, |span| span.start);
        let line = text.get(..at).map_or(1, |before| before.matches('\n').count() + 1);
        Kind::Config { path: path.to_owned(), line, source }.into()
    }

    pub(crate) fn write(path: &Path, source: std::io::Error) -> Self {
        Kind::Write { path: path.to_owned(), source }.into()
    }

    /// Whether what is checked in and what would be generated differ: the answer of `check`, not a failure of it.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        if self.is_left_over() {
            return true;
        }
        matches!(
            *self.kind,
            Kind::Pin { .. }
                | Kind::NotCanonical { .. }
                | Kind::NoModule { .. }
                | Kind::RuleMisfit { .. }
                | Kind::RuleTwice { .. }
                | Kind::EntityPath { .. }
                | Kind::EntityTwice { .. }
                | Kind::NotDeterministic { .. }
                | Kind::Figures { .. }
                | Kind::TooLong { .. }
                | Kind::NotRust { .. }
        )
    }

    /// JSON pointer of the place in the document, where the error is about one: everything but a file that can't be read, a
    /// text that isn't JSON, and a configuration or a fixup that the document has nothing for.
    #[must_use]
    pub fn pointer(&self) -> Option<&str> {
        match &*self.kind {
            Kind::Shape { pointer, .. }
            | Kind::Unread { pointer, .. }
            | Kind::PathTemplate { pointer, .. }
            | Kind::NoModule { pointer, .. } => Some(pointer),
            Kind::NameClash { place, .. } => place.pointer.as_deref(),
            Kind::NotOpenApi3 { .. } => Some("/openapi"),
            Kind::OtherApi { .. } => Some("/paths"),
            Kind::Version { .. } => Some("/info/version"),
            _ => None,
        }
    }

    /// `operationId` of the operation, where the error is about one.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        match &*self.kind {
            Kind::Shape { operation, .. } | Kind::Unread { operation, .. } => operation.as_deref(),
            Kind::PathTemplate { operation, .. } => Some(operation),
            Kind::NameClash { place, .. } => place.operation.as_deref(),
            _ => None,
        }
    }

    /// Name of the fixup that changed nothing, where the error is about one.
    #[must_use]
    pub fn dead_fixup(&self) -> Option<&'static str> {
        match *self.kind {
            Kind::FixupDead { name } => Some(name),
            _ => None,
        }
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind: Box::new(kind), others: Vec::new() }
    }
}

/// One line, whatever the document's names hold.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
        self.kind.to_string().chars().map(plain).try_for_each(|text| f.write_str(&text))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.kind, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&*self.kind)
    }
}
