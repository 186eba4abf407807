//! Lists that hang on the rows of another entity: what `lake.toml` says of them, held against the document.

use crate::catalog::bundle_name;
use crate::error::{Kind, Result};
use crate::lake::{Entity, Lake, Load};
use crate::schema::Property;

/// What a list hangs on, and how it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hanging {
    pub(crate) entity: String,
    pub(crate) property: Option<String>,
    pub(crate) conditions: Option<String>,
    /// What bundles call the list.
    pub(crate) bundle: String,
    pub(crate) runs: u32,
}

impl Hanging {
    /// What an entity with `load = "children"` says of its parent; `properties` are those of its own records, and `unused` hears
    /// of what they lack.
    pub(crate) fn resolve(
        entity: &Entity,
        properties: &[Property],
        unused: &mut dyn FnMut(&'static str, &str),
    ) -> Result<Self> {
        let refuse = |problem| Kind::EntityPath { entity: entity.name.clone(), path: entity.path.clone(), problem };
        let Some(parent) = &entity.parent else {
            return Err(refuse("is to be read below other rows, and has no parent").into());
        };
        if parent.runs == 0 {
            return Err(refuse("has parent.runs = 0: it takes at least one run to read every list again").into());
        }
        let first = |path: &str| path.split('/').next().unwrap_or_default().to_owned();
        let has = |path: &String| properties.iter().any(|property| property.name == first(path));
        let property = parent.property.clone().filter(has);
        if let Some(missing) = parent.property.as_ref().filter(|_| property.is_none()) {
            unused("parent.property", missing);
        }
        let bundle = parent.bundle.clone().unwrap_or_else(|| bundle_name(entity.schema()));
        Ok(Self {
            entity: parent.entity.clone(),
            property,
            conditions: parent.conditions.clone(),
            bundle,
            runs: parent.runs,
        })
    }
}

/// Checks what entities say of each other: a parent is an entity with a list of its own, under which the path goes on by
/// one id; and who has an id in the path says on what it hangs.
pub(crate) fn check(lake: &Lake) -> Result<()> {
    for entity in &lake.entities {
        let refuse = |problem| Kind::EntityPath { entity: entity.name.clone(), path: entity.path.clone(), problem };
        if let Some(drain) = &entity.drains
            && lake.entities.iter().all(|other| other.name != drain.into)
        {
            return Err(refuse("drains into what is no entity").into());
        }
        match (&entity.parent, entity.load) {
            (None, _) if entity.path.contains('{') => {
                return Err(refuse("hangs on other rows: say which, with load = \"children\" and a parent").into());
            }
            (None, _) => {}
            (Some(_), Load::Incremental | Load::Snapshot) => {
                return Err(refuse("has a parent and is not loaded as \"children\"").into());
            }
            (Some(parent), Load::Children) => {
                let found = lake.entities.iter().find(|other| other.name == parent.entity);
                let Some(found) = found.filter(|found| found.load != Load::Children) else {
                    return Err(refuse("has a parent that is no entity with a list of its own").into());
                };
                if !is_below(&entity.path, &found.path) {
                    return Err(refuse("is not the path of its parent, an id in braces, and a list below it").into());
                }
            }
        }
    }
    Ok(())
}

/// Whether `path` is `above`, one id in braces and something behind it.
fn is_below(path: &str, above: &str) -> bool {
    let rest = path.strip_prefix(above).and_then(|rest| rest.strip_prefix("/{"));
    let list = rest.and_then(|rest| rest.split_once("}/")).map(|(_, list)| list);
    list.is_some_and(|list| !list.is_empty() && !list.contains('{'))
}

#[cfg(test)]
mod tests {
    use super::is_below;

    #[test]
    fn a_list_hangs_on_one_id() {
        for (path, expected) in [
            ("/finance/agreements/{parentId}/additions", true),
            ("/finance/agreements/{parentId}", false),
            ("/finance/agreements/types", false),
            ("/finance/invoices/{parentId}/payments", false),
            ("/finance/agreements/{grandparentId}/workRoleExclusions/{parentId}/x", false),
        ] {
            assert_eq!(is_below(path, "/finance/agreements"), expected, "{path}");
        }
    }
}
