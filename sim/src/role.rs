//! Security roles: what a member may see, which is often less than everything and rarely said.

use axum::http::StatusCode;

use crate::answer::{self, Answer};
use crate::data::rng::mix;
use crate::json::Selection;
use crate::query::{Column, Names, Probe, Value};
use crate::table::Table;

/// What a role takes away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Role {
    /// Only rows of one's own, and no error.
    pub(crate) mine: bool,
    /// No rows with these values, such as those of a location: paths and ids.
    hidden: Vec<(String, i64)>,
    /// Rows without `_info`.
    pub(crate) no_info: bool,
    /// `/system/members` isn't there.
    no_members: bool,
    /// Modules that are forbidden.
    forbidden: Vec<String>,
}

const MODULES: [&str; 12] = [
    "company",
    "configurations",
    "expense",
    "finance",
    "marketing",
    "procurement",
    "project",
    "sales",
    "schedule",
    "service",
    "system",
    "time",
];

impl Role {
    /// Reads `full`, `mine`, `without:<path>=<id>`, `no-info`, `no-members`, `no-<module>`, or several of them with commas
    /// between. The error is the word that is none of these.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut role = Self::default();
        for word in text.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            if let Some((path, id)) = word.strip_prefix("without:").and_then(|hidden| hidden.split_once('=')) {
                role.hidden.push((path.to_owned(), id.parse().map_err(|_| word.to_owned())?));
                continue;
            }
            match word.strip_prefix("no-") {
                Some("info") => role.no_info = true,
                Some("members") => role.no_members = true,
                Some(module) if MODULES.contains(&module) => role.forbidden.push(module.to_owned()),
                None if word == "full" => {}
                None if word == "mine" => role.mine = true,
                _ => return Err(word.to_owned()),
            }
        }
        Ok(role)
    }

    /// Whether it shows less than all rows of a list.
    pub(crate) fn hides_rows(&self) -> bool {
        self.mine || !self.hidden.is_empty()
    }

    /// The answer to a request that the role doesn't allow.
    pub(crate) fn refusal(&self, path: &str) -> Option<Answer> {
        let mut steps = path.trim_start_matches('/').split('/').map(str::to_ascii_lowercase);
        let (module, entity) = (steps.next().unwrap_or_default(), steps.next().unwrap_or_default());
        if self.no_members && module == "system" && entity == "members" {
            return Some(answer::no_such_endpoint());
        }
        self.forbidden.contains(&module).then(|| {
            answer::refused(StatusCode::FORBIDDEN, "Forbidden", "The security role does not allow this request.")
        })
    }

    /// What the role leaves of what `fields` asked for.
    pub(crate) fn narrow(&self, selection: Option<Selection>) -> Option<Selection> {
        match selection {
            None => self.no_info.then(|| Selection::all().without("_info")),
            Some(selection) if self.no_info => Some(selection.without("_info")),
            selection => selection,
        }
    }
}

/// Who a row is about, in the order in which it is asked.
const OWNERS: [&str; 7] =
    ["member/id", "owner/id", "assignTo/id", "assignedTo/id", "manager/id", "primarySalesRep/id", "salesRep/id"];

/// The rows of a list that a role shows. One's own are those that name the member of the key; where rows name nobody, those
/// of the member's location, which are a third of them, by their ids.
pub(crate) struct Shown<'a> {
    table: Box<dyn Table + 'a>,
    /// The member whose rows are shown, and where rows name it.
    mine: Option<(i64, Option<Column>)>,
    hidden: Vec<(Column, i64)>,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(table: Box<dyn Table + 'a>, names: Names, is_member: bool, member: i64, role: &Role) -> Self {
        let owner = if is_member { Some(Column::Id) } else { OWNERS.into_iter().find_map(|path| names.column(path)) };
        let hidden = role.hidden.iter().filter_map(|(path, id)| Some((names.column(path)?, *id))).collect();
        Self { table, mine: role.mine.then_some((member, owner)), hidden }
    }

    fn is_shown(&self, slot: u64) -> bool {
        let is_mine = match &self.mine {
            None => true,
            Some((_, None)) => mix(self.table.id(slot) as u64).is_multiple_of(3),
            Some((member, Some(owner))) => self.names(slot, owner, *member),
        };
        is_mine && !self.hidden.iter().any(|(column, id)| self.names(slot, column, *id))
    }

    /// Whether a row has this number there.
    fn names(&self, slot: u64, column: &Column, number: i64) -> bool {
        let mut probe = Probe::new(vec![column.clone()]);
        self.table.visit(slot, &mut probe);
        matches!(probe.value(0), Some(Value::Number(found)) if *found == number as f64)
    }
}

impl Table for Shown<'_> {
    fn slots(&self) -> u64 {
        self.table.slots()
    }

    fn live(&self) -> u64 {
        (0..self.slots()).filter(|slot| self.is_live(*slot)).count() as u64
    }

    fn is_live(&self, slot: u64) -> bool {
        self.table.is_live(slot) && self.is_shown(slot)
    }

    fn id(&self, slot: u64) -> i64 {
        self.table.id(slot)
    }

    fn slot_of(&self, id: i64) -> Option<u64> {
        self.table.slot_of(id).filter(|slot| self.is_shown(*slot))
    }

    fn first_after(&self, id: i64) -> u64 {
        self.table.first_after(id)
    }

    fn visit(&self, slot: u64, probe: &mut Probe) {
        self.table.visit(slot, probe);
    }

    fn write(&self, slot: u64, selection: Option<&Selection>, out: &mut Vec<u8>) {
        self.table.write(slot, selection, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_words_with_commas_between() {
        assert_eq!(Role::parse("full"), Ok(Role::default()));
        let role = Role::parse("mine, no-info,no-finance").unwrap();
        assert!(role.mine && role.no_info && !role.no_members);
        assert!(role.refusal("/Finance/invoices").is_some() && role.refusal("/time/entries").is_none());
        assert!(Role::parse("no-members").unwrap().refusal("/system/members/5").is_some());
        let role = Role::parse("without:location/id=2").unwrap();
        assert!(role.hides_rows() && !role.mine);
        assert_eq!(Role::parse("without:location/id=x"), Err("without:location/id=x".to_owned()));
        assert_eq!(Role::parse("mine,admin"), Err("admin".to_owned()));
        assert_eq!(Role::parse("no-such"), Err("no-such".to_owned()));
    }
}
