//! The names that an entity recognises, with their types.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::kind::Kind;

/// What a property holds, as far as a query cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Number,
    Flag,
    Text,
    Time,
    Object,
    Array,
}

/// A property.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) path: Vec<&'static str>,
    pub(crate) of: Type,
}

/// Where a query finds a value. The first two need no walk through the row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Id,
    LastUpdated,
    Path(Vec<&'static str>),
}

impl Property {
    pub(crate) fn column(&self) -> Column {
        match self.path.as_slice() {
            ["id"] => Column::Id,
            ["lastUpdated"] | ["_info", "lastUpdated"] => Column::LastUpdated,
            path => Column::Path(path.to_vec()),
        }
    }
}

type Names = HashMap<(Kind, String), Property>;

static PROPERTIES: LazyLock<Names> = LazyLock::new(|| {
    include_str!("../../data/properties.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut words = line.split(' ');
            let kind = Kind::named(words.next()?)?;
            let path = words.next()?;
            let of = match words.next()? {
                "number" => Type::Number,
                "flag" => Type::Flag,
                "text" => Type::Text,
                "time" => Type::Time,
                "array" => Type::Array,
                _ => Type::Object,
            };
            Some(((kind, path.to_ascii_lowercase()), Property { path: path.split('/').collect(), of }))
        })
        .collect()
});

/// Finds a property by its path, whatever its case.
pub(crate) fn property(kind: Kind, path: &str) -> Option<&'static Property> {
    PROPERTIES.get(&(kind, path.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        let lines = include_str!("../../data/properties.txt").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(PROPERTIES.len(), lines);
        for kind in Kind::ALL {
            assert_eq!(property(kind, "ID").map(Property::column), Some(Column::Id));
            assert_eq!(property(kind, "lastupdated").map(Property::column), Some(Column::LastUpdated));
            assert_eq!(property(kind, "_INFO/lastUpdated").map(Property::column), Some(Column::LastUpdated));
        }
    }
}
