//! Schemas of the interface document, and the names that a query may use of them.

use std::collections::HashMap;
use std::sync::LazyLock;

/// What a property holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Whole,
    Decimal,
    Flag,
    Text,
    Guid,
    Time,
    /// One of some texts.
    Member(&'static [&'static str]),
    /// Another schema, by its number.
    Object(usize),
    /// A map, or an object of which nothing is said.
    Map,
    /// A list of what is named, or of what nobody says.
    List(ListOf),
}

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListOf {
    Objects(usize),
    Whole,
    Text,
    Anything,
}

/// A property as the document describes it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) of: Of,
    /// The longest text.
    pub(crate) longest: Option<usize>,
    pub(crate) write_only: bool,
}

/// An object as the document describes it; properties in the document's order, which is alphabetical.
#[derive(Debug)]
pub(crate) struct Schema {
    pub(crate) name: &'static str,
    pub(crate) members: Vec<Member>,
    pub(crate) required: Vec<&'static str>,
}

impl Schema {
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.name.eq_ignore_ascii_case(name))
    }
}

/// What a property holds, as far as a query cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Number,
    Flag,
    Text,
    /// One of some texts.
    Enumeration,
    Time,
    Object,
    Array,
    /// A value of whatever type it has.
    Anything,
}

impl Of {
    fn queried(self) -> Type {
        match self {
            Self::Whole | Self::Decimal => Type::Number,
            Self::Flag => Type::Flag,
            Self::Text | Self::Guid => Type::Text,
            Self::Member(_) => Type::Enumeration,
            Self::Time => Type::Time,
            Self::Object(_) | Self::Map => Type::Object,
            Self::List(_) => Type::Array,
        }
    }
}

/// A property that a query names: its path as the rows write it, and its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) path: Vec<&'static str>,
    pub(crate) of: Type,
}

type LiveOnly = HashMap<(&'static str, String), Property>;

static LIVE_ONLY: LazyLock<LiveOnly> = LazyLock::new(|| {
    include_str!("../../data/live-only.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split(' ');
            let (entity, path) = (words.next()?, words.next()?);
            let of = match words.next()? {
                "number" => Type::Number,
                "flag" => Type::Flag,
                "text" => Type::Text,
                "time" => Type::Time,
                _ => Type::Object,
            };
            Some(((entity, path.to_ascii_lowercase()), Property { path: path.split('/').collect(), of }))
        })
        .collect()
});

/// The keys of `_info` of an entity of which no answer was recorded.
const AUDIT: [(&str, Type); 4] =
    [("lastUpdated", Type::Time), ("updatedBy", Type::Text), ("dateEntered", Type::Time), ("enteredBy", Type::Text)];

/// The one entity that doesn't answer to `lastUpdated`.
const UNDATED: &str = "BoardTypeSubTypeItemAssociation";

/// A path has at most this many steps.
const DEEPEST: usize = 5;

/// Finds a property by its path, whatever its case.
pub(super) fn property(schemas: &'static [Schema], schema: &'static Schema, path: &str) -> Option<Property> {
    if schema.name == UNDATED && path.to_ascii_lowercase().ends_with("lastupdated") {
        return None;
    }
    if path.eq_ignore_ascii_case("lastUpdated") && schema.member(path).is_none() {
        return Some(Property { path: vec!["lastUpdated"], of: Type::Time });
    }
    // Moved into `_info` long ago, and still known by its old name.
    if path.eq_ignore_ascii_case("dateEntered") && schema.name.ends_with("Ticket") {
        return Some(Property { path: vec!["_info", "dateEntered"], of: Type::Time });
    }
    if let Some(property) = LIVE_ONLY.get(&(schema.name, path.to_ascii_lowercase())) {
        return Some(property.clone());
    }
    if let Some((map, key)) = path.split_once('/')
        && map.eq_ignore_ascii_case("_info")
    {
        schema.member("_info")?;
        let recorded = |((entity, path), _): (&(&str, String), _)| *entity == schema.name && path.starts_with("_info/");
        if LIVE_ONLY.iter().any(recorded) {
            return None;
        }
        let (key, of) = AUDIT.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(key))?;
        return Some(Property { path: vec!["_info", key], of });
    }
    let mut steps = path.split('/').peekable();
    let (mut schema, mut found) = (schema, Vec::new());
    while found.len() < DEEPEST {
        let member = schema.member(steps.next()?)?;
        found.push(member.name);
        if steps.peek().is_none() {
            return Some(Property { path: found, of: member.of.queried() });
        }
        let Of::Object(inner) = member.of else { return None };
        schema = schemas.get(inner)?;
    }
    None
}
