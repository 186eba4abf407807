//! The interface document: which resources there are, what their rows look like, and what may be asked of them.
//!
//! One document is read a process and release, and kept for the life of the process: everything borrows its names.

mod older;
mod raw;
mod read;
mod resource;
mod schema;

use std::collections::{BTreeMap, HashMap};
use std::path::Path as FilePath;
use std::sync::LazyLock;

use crate::error::{Error, Kind as ErrorKind, unreadable};

pub(crate) use resource::{Matched, Path, Resource, Role};
pub(crate) use schema::{ListOf, Member, Of, Property, Schema, Type};

/// A release of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Release(pub(crate) u32, pub(crate) u32);

impl Release {
    /// Reads `2025.8`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (year, part) = text.split_once('.')?;
        Some(Self(year.parse().ok()?, part.parse().ok()?))
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// An interface document that has been understood.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) release: Release,
    pub(crate) schemas: Vec<Schema>,
    pub(crate) paths: Vec<Path>,
    pub(crate) resources: Vec<Resource>,
    schemas_by_name: HashMap<&'static str, usize>,
    resources_by_path: HashMap<String, usize>,
    /// Paths by their first step and their number of steps.
    by_start: HashMap<(String, usize), Vec<usize>>,
    /// The properties that an older release lacks: schema and property.
    pub(crate) absent: Vec<(&'static str, &'static str)>,
}

type Reading = Result<Document, String>;
type Read = Box<dyn FnOnce() -> Reading + Send>;

/// The documents that are in the program, by their releases: the pinned one and those before it that it tells the way to. Each is
/// read when it is asked for.
static DOCUMENTS: LazyLock<BTreeMap<String, LazyLock<Reading, Read>>> = LazyLock::new(|| {
    let mut documents: BTreeMap<String, LazyLock<Reading, Read>> = BTreeMap::new();
    for way in older::ways_back() {
        if let Some(release) = Release::parse(&way.version) {
            documents.insert(release.to_string(), LazyLock::new(Box::new(move || way.document(release))));
        }
    }
    if let Some(release) = Release::parse(connectwise_openapi::VERSION) {
        let read = move || Document::read(connectwise_openapi::DOCUMENT, release, Vec::new());
        documents.insert(release.to_string(), LazyLock::new(Box::new(read)));
    }
    documents
});

/// The releases whose documents are in the program.
pub(crate) fn releases() -> impl Iterator<Item = &'static str> {
    DOCUMENTS.keys().map(String::as_str)
}

impl Document {
    /// The document in the program, as of a release.
    pub(crate) fn of(release: Release) -> Result<&'static Self, Error> {
        let name = release.to_string();
        let found = DOCUMENTS.get(&name).ok_or(ErrorKind::UnknownRelease(name))?;
        found.as_ref().map_err(|reason| ErrorKind::BadDocument("in the program".into(), reason.clone()).into())
    }

    /// The pinned document.
    pub(crate) fn pinned() -> Result<&'static Self, Error> {
        match Release::parse(connectwise_openapi::VERSION) {
            Some(release) => Self::of(release),
            None => Err(ErrorKind::UnknownRelease(connectwise_openapi::VERSION.to_owned()).into()),
        }
    }

    /// A document from a file. It stays in memory until the process ends.
    pub(crate) fn from_file(file: &FilePath, release: Release) -> Result<&'static Self, Error> {
        let bad = |reason: String| Error::from(ErrorKind::BadDocument(file.to_owned(), reason));
        let text: &'static str = String::leak(crate::input::read_text(file).map_err(|error| bad(unreadable(&error)))?);
        let document = Self::read(text, release, Vec::new()).map_err(bad)?;
        Ok(Box::leak(Box::new(document)))
    }

    pub(crate) fn schema(&self, number: usize) -> Option<&Schema> {
        self.schemas.get(number)
    }

    pub(crate) fn schema_named(&'static self, name: &str) -> Option<&'static Schema> {
        self.schemas.get(*self.schemas_by_name.get(name)?)
    }

    /// Finds a property of a schema by its path, whatever its case.
    pub(crate) fn property(&'static self, schema: &'static Schema, path: &str) -> Option<Property> {
        schema::property(&self.schemas, schema, path)
    }

    /// The resource with this list path.
    pub(crate) fn resource_at(&self, path: &str) -> Option<&Resource> {
        self.resources.get(*self.resources_by_path.get(&resource::normal(path))?)
    }

    /// The resource whose rows have this name: the one without parents if there is one, else the first.
    pub(crate) fn resource_named(&self, name: &str) -> Option<&Resource> {
        // `Company.Configuration` is a configuration.
        let named = |resource: &&Resource| {
            self.schema(resource.schema).is_some_and(|schema| {
                let short = schema.name.rsplit('.').next().unwrap_or_default();
                schema.name.eq_ignore_ascii_case(name) || short.eq_ignore_ascii_case(name)
            })
        };
        let all = || self.resources.iter().filter(named);
        all().find(|resource| resource.parents == 0).or_else(|| all().next())
    }

    /// Where a path below the API's root leads.
    pub(crate) fn find<'a>(&self, path: &'a str) -> Option<Matched<'_, 'a>> {
        let steps: Vec<&str> = path.trim_matches('/').split('/').collect();
        let candidates = self.by_start.get(&(steps.first()?.to_ascii_lowercase(), steps.len()))?;
        candidates.iter().filter_map(|at| self.paths[*at].matches(&steps)).min_by_key(|found| found.arguments.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(path: &str) -> Option<String> {
        let document = Document::pinned().unwrap();
        document.find(path).map(|found| format!("{:?} {:?}", found.path.role.name(), found.arguments))
    }

    #[test]
    fn every_list_of_the_document_is_a_resource() {
        let document = Document::pinned().unwrap();
        // 676 paths whose GET answers with a list of objects, some of which differ by their last slash only.
        assert!((669..=676).contains(&document.resources.len()), "{}", document.resources.len());
        assert!(document.paths.len() > 1_780, "{}", document.paths.len());
        assert_eq!(document.schemas.len(), 833);
    }

    #[test]
    fn paths_lead_to_their_roles_whatever_their_case() {
        for (path, expected) in [
            ("/time/entries", Some(r#""list" []"#)),
            ("/Time/Entries/COUNT", Some(r#""count" []"#)),
            ("/time/entries/5", Some(r#""one" ["5"]"#)),
            ("/finance/agreements/7/additions", Some(r#""list" ["7"]"#)),
            ("/finance/agreements/7/additions/9", Some(r#""one" ["7", "9"]"#)),
            ("/project/projects/7/phases/9/", Some(r#""one" ["7", "9"]"#)),
            ("/company/companies/statuses", Some(r#""list" []"#)),
            ("/company/companies/statuses/3", Some(r#""one" ["3"]"#)),
            ("/procurement/subcategories", Some(r#""list" []"#)),
            ("/system/info", Some(r#""single" []"#)),
            ("/service/tickets/search", Some(r#""action" []"#)),
            ("/nothing", None),
            ("/time", None),
            ("", None),
            ("/þ/é", None),
        ] {
            assert_eq!(role(path).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn an_older_release_lacks_what_was_added() {
        let (old, new) = (Document::of(Release(2025, 1)).unwrap(), Document::pinned().unwrap());
        let company = |document: &'static Document| {
            let schema = document.schema_named("Company").unwrap();
            document.property(schema, "creditLimit").is_some()
        };
        assert!(company(new) && !company(old));
        assert!(new.find("/service/templates/1/tasks").is_some() && old.find("/service/templates/1/tasks").is_none());
    }

    #[test]
    fn names_of_a_query_are_found_in_any_case_and_through_references() {
        let document = Document::pinned().unwrap();
        let ticket = document.schema_named("Ticket").unwrap();
        let find = |path: &str| document.property(ticket, path).map(|property| (property.path.join("/"), property.of));
        assert_eq!(find("BOARD/NAME"), Some(("board/name".to_owned(), Type::Text)));
        assert_eq!(find("lastupdated"), Some(("lastUpdated".to_owned(), Type::Time)));
        assert_eq!(find("_info/dateentered"), Some(("_info/dateEntered".to_owned(), Type::Time)));
        assert_eq!(find("dateEntered"), Some(("_info/dateEntered".to_owned(), Type::Time)));
        assert_eq!(find("customFields"), Some(("customFields".to_owned(), Type::Array)));
        for path in ["", "/", "board/", "/board", "board/none", "_info/none", "id/x", "customFields/caption"] {
            assert_eq!(find(path), None, "{path}");
        }
    }
}
