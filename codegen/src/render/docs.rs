//! What the documentation of a record type says: what it is where names mislead, where its records live, what can be asked of them,
//! which features bring it; and of a property what it is called on the wire and what it has to be when it is written.

use std::collections::BTreeMap;

use syn::{Attribute, parse_quote};

use super::fields::module_name;
use crate::api::LookAlikes;
use crate::error::Kind;
use crate::names::type_name;
use crate::operation::Raw;
use crate::pattern::{is_optional, plain};
use crate::problems::Problems;
use crate::resource::{Resource, collection_of};
use crate::schema::{Limits, Property, Schema, Schemas};
use crate::selection::Owners;

/// As many values of an enumeration as a property tells; its type has all.
const MOST_VALUES: usize = 12;

/// What is known of schemas by their names.
pub(crate) struct Docs<'a> {
    /// Schema -> the record types that it is taken for, itself among them, with what each is.
    look_alikes: BTreeMap<&'a str, Vec<(&'a str, &'a str)>>,
    /// Schema -> the collections of its records, the one that its type stands for before the others.
    collections: BTreeMap<&'a str, Vec<&'a Resource>>,
    /// Path of a collection -> schema of its records.
    records: BTreeMap<&'a str, &'a str>,
    /// Schema -> the calls that take it or give it, and are no verbs.
    calls: BTreeMap<&'a str, Vec<&'a Raw>>,
    schemas: &'a Schemas,
    owners: &'a Owners<'a>,
    generated: &'a dyn Fn(Item<'_>) -> bool,
}

/// Something that documentation can link to, where it is generated.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Item<'a> {
    Record(&'a str),
    Resource(&'a Resource),
    Call(&'a Raw),
}

/// Tells names that the document doesn't have, unless a `?` at the end says that only some versions have it.
pub(crate) fn check(look_alikes: &[LookAlikes], schemas: &Schemas, problems: &mut Problems) {
    for name in look_alikes.iter().flat_map(LookAlikes::keys) {
        if schemas.get(plain(name)).is_none() && !is_optional(name) {
            problems.add(Kind::LookAlikeDead { schema: name.clone() });
        }
    }
}

/// Text of the document as code in documentation: one line, and no mark of its own.
pub(crate) fn code(text: &str) -> String {
    let plain = |c: char| if c.is_control() || c == '`' { '\'' } else { c };
    format!("`{}`", text.chars().map(plain).collect::<String>())
}

/// A line of documentation, or an empty one between two paragraphs.
fn line(text: &str) -> Attribute {
    let text = if text.is_empty() { String::new() } else { format!(" {text}") };
    parse_quote!(#[doc = #text])
}

/// A search of the documentation finds an item by this, if rustdoc takes it for a name.
pub(crate) fn alias(path: &str) -> Option<Attribute> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/{}_-.".contains(c);
    path.chars().all(plain).then(|| parse_quote!(#[doc(alias = #path)]))
}

impl<'a> Docs<'a> {
    pub(crate) fn new(
        look_alikes: &'a [LookAlikes],
        (schemas, owners): (&'a Schemas, &'a Owners<'a>),
        resources: &'a [Resource],
        raws: &'a [Raw],
        generated: &'a dyn Fn(Item<'_>) -> bool,
    ) -> Self {
        let mut members_of = BTreeMap::new();
        for group in look_alikes {
            let members = group.iter().map(|(name, is)| (plain(name), is.as_str()));
            let members: Vec<(&str, &str)> = members.filter(|(name, _)| schemas.get(name).is_some()).collect();
            members_of.extend(members.iter().map(|(name, _)| (*name, members.clone())));
        }
        let mut collections: BTreeMap<&str, Vec<&Resource>> = BTreeMap::new();
        let mut records = BTreeMap::new();
        for resource in resources {
            collections.entry(&resource.schema).or_default().push(resource);
            records.entry(resource.path.as_str()).or_insert(resource.schema.as_str());
        }
        collections.values_mut().for_each(|all| all.sort_by_key(|resource| !resource.is_own()));
        let mut calls: BTreeMap<&str, Vec<&Raw>> = BTreeMap::new();
        for raw in raws.iter().filter(|raw| !raw.is_verb) {
            for schema in raw.schemas() {
                let known = calls.entry(schema).or_default();
                if known.last().is_none_or(|last| last.name != raw.name) {
                    known.push(raw);
                }
            }
        }
        Self { look_alikes: members_of, collections, records, calls, schemas, owners, generated }
    }

    /// The documentation of a record type.
    pub(crate) fn of(&self, schema: &str) -> Vec<Attribute> {
        let members = self.look_alikes.get(schema).map(Vec::as_slice).unwrap_or_default();
        let (mut is, mut others) = (String::new(), Vec::new());
        for (name, what) in members {
            if *name == schema {
                is = format!(": {what}");
            } else {
                others.push(format!("{} ({what})", code(name)));
            }
        }
        let mut paragraphs = vec![format!("{} of the API{is}.", code(schema))];
        if !others.is_empty() {
            paragraphs.push(format!("Not to be mistaken for {}.", others.join(", ")));
        }
        let collections = self.collections.get(schema).map(Vec::as_slice).unwrap_or_default();
        paragraphs.extend(collections.iter().map(|resource| self.collection(resource)));
        if let Some(calls) = self.calls.get(schema) {
            let calls: Vec<String> = calls.iter().map(|raw| self.call(raw)).collect();
            paragraphs.push(format!("Taken or given by {}.", calls.join(", ")));
        }
        if matches!(self.schemas.get(schema), Some(Schema::Object(_))) {
            let module = module_name(&type_name(schema));
            paragraphs.push(format!("Its properties in conditions: [`fields::{module}`](crate::fields::{module})."));
        }
        let features: Vec<&str> = self.owners.features(schema).into_iter().collect();
        paragraphs.push(match features.as_slice() {
            [] => "With the feature `full`.".to_owned(),
            [one] => format!("With the feature {}.", code(one)),
            several => {
                let several: Vec<String> = several.iter().map(|feature| code(feature)).collect();
                format!("With one of the features {}.", several.join(", "))
            }
        });
        let mut attributes = Vec::new();
        for paragraph in paragraphs {
            if !attributes.is_empty() {
                attributes.push(line(""));
            }
            attributes.push(line(&paragraph));
        }
        let own = collections.first().filter(|resource| resource.is_own());
        attributes.extend(own.and_then(|resource| alias(&resource.path)));
        attributes.push(self.shown_feature(&features));
        attributes
    }

    /// What documentation that is built with all features says of the ones that an item needs.
    fn shown_feature(&self, features: &[&str]) -> Attribute {
        match features {
            [] => parse_quote!(#[cfg_attr(docsrs, doc(cfg(feature = "full")))]),
            features => parse_quote!(#[cfg_attr(docsrs, doc(cfg(any(#(feature = #features),*))))]),
        }
    }

    /// Where records live, and what can be asked there.
    fn collection(&self, resource: &Resource) -> String {
        let path = code(&resource.path);
        let verbs: Vec<String> =
            resource.verbs.keys().map(|verb| format!("[{0}](crate::Api::{0})", verb.label())).collect();
        let verbs = verbs.join(", ");
        let below = match self.parent(&resource.path) {
            Some(parent) if (self.generated)(Item::Record(parent)) => {
                format!(", below a [{}]", code(&type_name(parent)))
            }
            Some(parent) => format!(", below a {}", code(&type_name(parent))),
            None if resource.parents > 0 => ", below another record".to_owned(),
            None => String::new(),
        };
        let name = &resource.name;
        match (resource.is_own(), (self.generated)(Item::Resource(resource))) {
            (true, _) => format!("A record of {path}{below}: {verbs}."),
            (false, true) => format!("Also at {path}{below}, as [`{name}`](crate::resources::{name}): {verbs}."),
            (false, false) => format!("Also at {path}{below}, as {}: {verbs}.", code(name)),
        }
    }

    /// Schema of the records that a collection lies below.
    fn parent(&self, path: &str) -> Option<&'a str> {
        let (before, _) = path.rsplit_once("}/")?;
        self.records.get(collection_of(&format!("{before}}}"))).copied()
    }

    fn call(&self, raw: &Raw) -> String {
        let route = code(&format!("{} {}", raw.method.to_uppercase(), raw.path));
        let name = &raw.name;
        match (self.generated)(Item::Call(raw)) {
            true => format!("[{route}](crate::Client::{name})"),
            false => route,
        }
    }

    /// The documentation of a property.
    pub(crate) fn property(&self, property: &Property, is_secret: bool) -> Attribute {
        let Limits { required, required_on_update, create_only, update_only, max_length, minimum, maximum } =
            &property.limits;
        let mut told = Vec::new();
        let mut flag = |on: bool, what: &str| told.extend(on.then(|| what.to_owned()));
        flag(*required, "required");
        flag(*required_on_update, "required in updates");
        flag(*create_only, "taken by a create only");
        flag(*update_only, "taken by an update only");
        flag(is_secret, "hidden by `Debug`");
        told.extend(max_length.map(|length| format!("at most {length} characters")));
        told.extend(minimum.as_ref().map(|least| format!("at least {least}")));
        told.extend(maximum.as_ref().map(|most| format!("at most {most}")));
        if let Some(Schema::Enum(values)) = property.shape.target().and_then(|target| self.schemas.get(target)) {
            let shown: Vec<String> = values.iter().take(MOST_VALUES).map(|value| code(value)).collect();
            let more = match values.len().saturating_sub(MOST_VALUES) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            told.push(format!("one of {}{more}", shown.join(", ")));
        }
        let name = code(&property.name);
        match told.as_slice() {
            [] => line(&format!("{name}.")),
            told => line(&format!("{name}: {}.", told.join("; "))),
        }
    }
}
