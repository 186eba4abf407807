//! What the documentation of a record type says beyond its fields: what it is where names mislead, and where it lives.

use std::collections::BTreeMap;

use syn::{Attribute, parse_quote};

use crate::api::LookAlikes;
use crate::error::Kind;
use crate::pattern::{is_optional, plain};
use crate::problems::Problems;
use crate::resource::Resource;
use crate::schema::Schemas;

/// What is known of schemas by their names.
#[derive(Debug)]
pub(crate) struct Docs<'a> {
    /// Schema -> the record types that it is taken for, itself among them, with what each is.
    look_alikes: BTreeMap<&'a str, Vec<(&'a str, &'a str)>>,
    /// Schema -> path of the collection that its type stands for.
    paths: BTreeMap<&'a str, &'a str>,
}

/// Tells names that the document doesn't have, unless a `?` at the end says that only some versions have it.
pub(crate) fn check(look_alikes: &[LookAlikes], schemas: &Schemas, problems: &mut Problems) {
    for name in look_alikes.iter().flat_map(LookAlikes::keys) {
        if schemas.get(plain(name)).is_none() && !is_optional(name) {
            problems.add(Kind::LookAlikeDead { schema: name.clone() });
        }
    }
}

impl<'a> Docs<'a> {
    pub(crate) fn of_all(look_alikes: &'a [LookAlikes], schemas: &Schemas, resources: &'a [Resource]) -> Self {
        let mut found = BTreeMap::new();
        for group in look_alikes {
            let known = |name: &str| schemas.get(name).is_some();
            let members = group.iter().map(|(name, is)| (plain(name), is.as_str()));
            let members: Vec<(&str, &str)> = members.filter(|(name, _)| known(name)).collect();
            found.extend(members.iter().map(|(name, _)| (*name, members.clone())));
        }
        let own = resources.iter().filter(|resource| resource.is_own());
        let paths = own.map(|resource| (resource.schema.as_str(), resource.path.as_str())).collect();
        Self { look_alikes: found, paths }
    }

    /// The documentation of a record type.
    pub(crate) fn of(&self, schema: &str) -> Vec<Attribute> {
        let members = self.look_alikes.get(schema).map(Vec::as_slice).unwrap_or_default();
        let (mut is, mut others) = (String::new(), Vec::new());
        for (name, what) in members {
            if *name == schema {
                is = format!(": {what}");
            } else {
                others.push(format!("`{name}` ({what})"));
            }
        }
        let mut lines = vec![format!(" `{schema}` of the API{is}.")];
        if !others.is_empty() {
            lines.extend([String::new(), format!(" Not to be mistaken for {}.", others.join(", "))]);
        }
        let path = self.paths.get(schema);
        if let Some(path) = path {
            lines.extend([String::new(), format!(" A record of `{path}`.")]);
        }
        let lines = lines.into_iter().map(|line| parse_quote!(#[doc = #line]));
        // A search of the documentation finds the type by its path.
        lines.chain(path.map(|path| parse_quote!(#[doc(alias = #path)]))).collect()
    }
}
