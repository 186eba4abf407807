//! Which entities are loaded, and which of them may be missing: lists of names and patterns.

use connectwise_sdk::catalog::Entity;
use serde::Deserialize;

use crate::catalog;
use crate::error::{Error, Result};

/// Names of entities, in any case and also as their tables have them, or patterns in which `*` stands for anything.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// What is loaded; where nothing is named, all that isn't for those only who ask for it.
    pub include: Vec<String>,
    /// What of it isn't.
    pub exclude: Vec<String>,
    /// What is skipped where the role may not read it.
    pub optional: Vec<String>,
}

/// The entities of a selection.
#[derive(Debug, Default, Clone)]
pub struct Selected {
    /// Those that are loaded, in the order of the catalogue.
    pub entities: Vec<&'static Entity>,
    /// Names of those among them that may be missing.
    pub optional: Vec<&'static str>,
}

impl Selection {
    /// The same with the lists of `other` in place of its own, where that has any.
    #[must_use]
    pub fn overridden(self, other: Self) -> Self {
        let list = |own: Vec<String>, other: Vec<String>| if other.is_empty() { own } else { other };
        Self {
            include: list(self.include, other.include),
            exclude: list(self.exclude, other.exclude),
            optional: list(self.optional, other.optional),
        }
    }

    /// The entities that it means.
    ///
    /// # Errors
    /// [`Kind::Usage`](crate::error::Kind::Usage) for a name that no entity has, with those most like it, for a pattern that no
    /// name meets, and where nothing is left.
    pub fn entities(&self) -> Result<Selected> {
        let include = meant(&self.include)?;
        let exclude = meant(&self.exclude)?;
        let optional = meant(&self.optional)?;
        let is_in = |list: &[&'static Entity], entity: &Entity| list.iter().any(|other| other.name == entity.name);
        let entities: Vec<_> = catalog::entities()
            .iter()
            .filter(|entity| if self.include.is_empty() { !entity.on_request } else { is_in(&include, entity) })
            .filter(|entity| !is_in(&exclude, entity))
            .collect();
        if entities.is_empty() {
            return Err(Error::nothing_selected());
        }
        let optional = entities.iter().filter(|entity| is_in(&optional, entity)).map(|entity| entity.name).collect();
        Ok(Selected { entities, optional })
    }
}

/// The entities that names and patterns mean.
fn meant(names: &[String]) -> Result<Vec<&'static Entity>> {
    let mut all = Vec::new();
    for name in names {
        if !name.contains('*') {
            all.push(catalog::entity(name)?);
            continue;
        }
        let pattern = name.trim().to_ascii_lowercase();
        let meets = |text: &str| fits(&pattern, &text.to_ascii_lowercase());
        let found: Vec<_> =
            catalog::entities().iter().filter(|entity| meets(entity.name) || meets(entity.table)).collect();
        if found.is_empty() {
            // Its letters alone may be like a name.
            return Err(Error::unmet_pattern(name, &catalog::like(&pattern.replace('*', ""))));
        }
        all.extend(found);
    }
    Ok(all)
}

/// Whether a text meets a pattern in which `*` stands for any characters.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let parts: Vec<&str> = rest.split('*').collect();
    let Some((end, middle)) = parts.split_last() else { return true };
    for part in middle {
        match text.split_once(part) {
            Some((_, behind)) => text = behind,
            None => return false,
        }
    }
    text.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(include: &[&str], exclude: &[&str], optional: &[&str]) -> Selection {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Selection { include: list(include), exclude: list(exclude), optional: list(optional) }
    }

    fn names(selection: &Selection) -> Vec<&'static str> {
        selection.entities().unwrap().entities.iter().map(|entity| entity.name).collect()
    }

    #[test]
    fn patterns_stand_for_names() {
        for (pattern, text, expected) in [
            ("purchase*", "purchaseorder", true),
            ("*status", "agreementstatus", true),
            ("*order*status", "purchaseorderstatus", true),
            ("*", "anything", true),
            ("purchase*", "repurchase", false),
            ("a*a", "a", false),
            ("member", "membertype", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_included_and_not_excluded_is_loaded() {
        let all = catalog::entities().iter().filter(|entity| !entity.on_request).count();
        assert_eq!(names(&selection(&[], &[], &[])).len(), all);
        // What takes many requests is asked for by name, or with everything.
        assert_eq!(names(&selection(&["InvoicePayment", "Invoice"], &[], &[])), ["Invoice", "InvoicePayment"]);
        assert_eq!(names(&selection(&["*"], &[], &[])).len(), catalog::entities().len());
        assert_eq!(
            names(&selection(&["PurchaseOrder*"], &["purchaseorderstatus"], &[])),
            ["PurchaseOrder", "PurchaseOrderLineItem"]
        );
        assert_eq!(names(&selection(&[], &["TimeEntry"], &[])).len(), all - 1);
        let selected = selection(&[], &["member"], &["Member", "Purchase*"]).entities().unwrap();
        assert_eq!(selected.optional, ["PurchaseOrder", "PurchaseOrderLineItem", "PurchaseOrderStatus"]);
        let flags = selection(&["Member"], &[], &[]);
        assert_eq!(
            selection(&["Board"], &["Company"], &[]).overridden(flags),
            selection(&["Member"], &["Company"], &[])
        );
    }

    #[test]
    fn what_means_nothing_is_refused_with_a_hint() {
        let wrong = |selection: Selection| {
            let error = selection.entities().unwrap_err();
            assert!(error.is_usage());
            error.to_string()
        };
        assert!(wrong(selection(&["Compnay"], &[], &[])).contains("did you mean Company"));
        assert!(
            wrong(selection(&[], &["purchese*"], &[]))
                .contains("no entity has a name like \"purchese*\": did you mean Purchase")
        );
        assert!(wrong(selection(&[], &[], &["nothing at all"])).contains("schema lists all"));
        assert!(wrong(selection(&["Member"], &["*"], &[])).starts_with("include and exclude leave no entity"));
    }
}
