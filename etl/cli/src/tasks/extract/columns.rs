//! The columns of a file: those of the catalogue where the list is in it, those that its records have elsewhere.

use connectwise_storage::locked;
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;

use connectwise_extract::catalog;
use connectwise_extract::contract::RESCUED;
use connectwise_extract::decode::{Shape, properties};
use connectwise_sdk::catalog::{Column, Entity, Kind, Meaning};

/// Columns that a list without an entry in the catalogue gets at most; what is beyond is kept in [`RESCUED`].
const MOST: usize = 1_000;

/// The columns of a file, in their order.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) list: Vec<Column>,
    /// Whether somebody chose them: what wasn't asked for needs no place.
    pub(crate) chosen: bool,
}

/// The entity that a list's rows are, whatever rows it hangs on.
pub(crate) fn entity_of(path: &str) -> Option<&'static Entity> {
    let parts = |path: &str| path.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    let wanted = parts(path);
    catalog::entities().iter().find(|entity| {
        let known = parts(entity.path);
        let alike = |(known, wanted): (&String, &String)| known.starts_with('{') || known.eq_ignore_ascii_case(wanted);
        known.len() == wanted.len() && known.iter().zip(&wanted).all(alike)
    })
}

/// The properties that a list of fields names, each once: `id,company/name` are `id` and `company`.
pub(crate) fn chosen(fields: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for field in fields.split(',') {
        let name = field.split_once('/').map_or(field, |(name, _)| name).trim();
        if !name.is_empty() && name != RESCUED && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Names among the chosen ones that nothing is known of.
pub(crate) fn unknown(known: &[Column], fields: &str) -> Vec<String> {
    let is_known = |name: &String| known.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    chosen(fields).into_iter().filter(|name| !is_known(name)).collect()
}

impl Columns {
    /// Those of `known`, or those of them that were chosen. What nothing is known of is JSON text.
    pub(crate) fn of(known: &[Column], fields: Option<&str>) -> Self {
        let Some(names) = fields.map(chosen).filter(|names| !names.is_empty()) else {
            return Self { list: known.to_vec(), chosen: false };
        };
        let find = |name: &String| {
            let exact = known.iter().find(|column| column.name == name);
            let column = exact.or_else(|| known.iter().find(|column| column.name.eq_ignore_ascii_case(name)));
            column.copied().unwrap_or_else(|| named(name, Kind::Json))
        };
        Self { list: names.iter().map(find).collect(), chosen: true }
    }
}

/// A column that the catalogue lacks. Its name is leaked, once per name, as columns of the catalogue have static names.
fn named(name: &str, kind: Kind) -> Column {
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut names = locked(&NAMES);
    let known = names.get(name).copied();
    let name = known.unwrap_or_else(|| name.to_owned().leak());
    names.insert(name);
    Column { name, kind, meaning: Meaning::Plain }
}

/// The properties of records as they come, in the order of their first appearance.
#[derive(Debug, Default)]
pub(crate) struct Found {
    list: Vec<(String, Shape)>,
    places: HashMap<String, usize>,
}

impl Found {
    pub(crate) fn see(&mut self, record: &str) {
        // A record that is no object has no properties, and is rescued as a whole.
        for (name, value) in properties(record).unwrap_or_default() {
            let known = self.places.get(name.as_ref()).and_then(|at| self.list.get_mut(*at));
            if let Some((_, shape)) = known {
                shape.see(value);
            } else if self.list.len() < MOST && name != RESCUED {
                let mut shape = Shape::default();
                shape.see(value);
                self.places.insert(name.clone().into_owned(), self.list.len());
                self.list.push((name.into_owned(), shape));
            }
        }
    }

    pub(crate) fn columns(&self) -> Vec<Column> {
        self.list.iter().map(|(name, shape)| named(name, shape.kind())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_known_by_the_path_of_its_list() {
        let name = |path: &str| entity_of(path).map(|entity| entity.name);
        assert_eq!(name("/service/tickets"), Some("ServiceTicket"));
        assert_eq!(name("/Time/Entries/"), Some("TimeEntry"));
        assert_eq!(name("/service/boards/12/statuses"), Some("BoardStatus"));
        assert_eq!(name("/service/tickets/12"), None);
        assert_eq!(name("/system/reports"), None);
    }

    #[test]
    fn names_that_an_entity_lacks_are_unknown_whatever_their_case() {
        let known = entity_of("/time/entries").map(|entity| entity.columns).unwrap_or_default();
        assert_eq!(unknown(known, "ID, member/name,_info/lastUpdated, noSuch/x,naem,"), ["noSuch", "naem"]);
        assert!(unknown(known, "").is_empty());
    }

    #[test]
    fn columns_stand_in_the_order_in_which_they_were_chosen() {
        let known = entity_of("/time/entries").unwrap().columns;
        let columns = Columns::of(known, Some("ID, member/name ,member/id,brandNew,"));
        let names: Vec<&str> = columns.list.iter().map(|column| column.name).collect();
        assert_eq!(names, ["id", "member", "brandNew"]);
        assert!(columns.chosen && !Columns::of(known, Some(" ")).chosen);
        assert_eq!(Columns::of(known, None).list.len(), known.len());
    }

    #[test]
    fn columns_that_nobody_declared_hold_every_record() {
        let mut found = Found::default();
        for record in ["{\"id\":1,\"value\":\"x\"}", "{\"value\":2,\"id\":2,\"late\":null}", "[1]"] {
            found.see(record);
        }
        let columns = found.columns();
        let columns: Vec<(&str, Kind)> = columns.iter().map(|column| (column.name, column.kind)).collect();
        assert_eq!(columns, [("id", Kind::Int64), ("value", Kind::Json), ("late", Kind::Utf8)]);
    }
}
