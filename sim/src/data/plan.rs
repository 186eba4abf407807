//! Who makes the rows of each resource, how many there are, and which ids they have.

use std::sync::Arc;

use super::made::Cast;
use super::own::{desk, money};
use super::refs::SetUp;
use super::setup::{BOARD_STATUSES, BOARD_TYPES, TABLES};
use super::staff::MOST_SEATS;
use super::tickets::{SERVICE_TICKETS_A_COMPANY, Sort, TICKETS_A_COMPANY, ticket_of};
use super::work::PROJECTS_A_COMPANY;
use super::world::{FIRST_DAY, LAST_DAY, Row, World};
use crate::document::{Document, Of, Resource};
use crate::kind::Kind;
use crate::place::Place;

/// Entities that have numbers and meanings of their own, on top of what the document says of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    Contact,
    ServiceTicket,
    ProjectTicket,
    Project,
    Phase,
    Activity,
    Opportunity,
    Configuration,
    ScheduleEntry,
    Addition,
    Note,
    Site,
    BoardStatus,
    BoardType,
    TimeSheet,
    ExpenseReport,
    Batch,
    Callback,
    Report,
    Adjustment,
    Payment,
    Forecast,
    SlaPriority,
    Holiday,
    SurveyResult,
    /// What lies in a bin of a warehouse.
    Stock,
}

const OWN: [(&str, Own); 27] = [
    ("/company/contacts", Own::Contact),
    ("/service/tickets", Own::ServiceTicket),
    ("/project/tickets", Own::ProjectTicket),
    ("/project/projects", Own::Project),
    ("/project/projects/{parentId}/phases", Own::Phase),
    ("/sales/activities", Own::Activity),
    ("/sales/opportunities", Own::Opportunity),
    ("/company/configurations", Own::Configuration),
    ("/schedule/entries", Own::ScheduleEntry),
    ("/finance/agreements/{parentId}/additions", Own::Addition),
    ("/service/tickets/{parentId}/notes", Own::Note),
    ("/project/tickets/{parentId}/notes", Own::Note),
    ("/company/companies/{parentId}/sites", Own::Site),
    ("/service/boards/{parentId}/statuses", Own::BoardStatus),
    ("/service/boards/{parentId}/types", Own::BoardType),
    ("/time/sheets", Own::TimeSheet),
    ("/expense/reports", Own::ExpenseReport),
    ("/finance/accounting/batches", Own::Batch),
    ("/system/callbacks", Own::Callback),
    ("/system/reports", Own::Report),
    ("/finance/agreements/{parentId}/adjustments", Own::Adjustment),
    ("/finance/invoices/{parentId}/payments", Own::Payment),
    ("/sales/opportunities/{parentId}/forecast", Own::Forecast),
    ("/service/SLAs/{parentId}/priorities", Own::SlaPriority),
    ("/schedule/holidayLists/{parentId}/holidays", Own::Holiday),
    ("/service/surveys/{parentId}/results", Own::SurveyResult),
    ("/procurement/warehouseBins/{parentId}/inventoryOnHand", Own::Stock),
];

/// Who makes the rows of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Maker {
    /// A generator that tells every property.
    Hand(Kind),
    /// The document, but for what this entity means.
    Own(Own),
    /// The document, but for ids and names.
    Listed(&'static [SetUp]),
    /// The document alone.
    Made,
}

/// The plan of a resource.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) maker: Maker,
    /// Its random numbers.
    pub(super) stream: u64,
    /// The property that an edit changes.
    pub(super) edited: Option<&'static str>,
}

/// Where the random numbers of documented resources start: behind those of the generators.
const STREAMS: u64 = 1 << 32;
/// Ids of the first rows below each parent are next to each other.
const CHILDREN: i64 = 64;
/// Those of later rows start here, and there is room for so many below each parent.
const LATER: i64 = 1 << 29;
const LATER_CHILDREN: i64 = 2_048;
const FIRST_WEEK: i64 = week(FIRST_DAY);
const WEEKS: u64 = (week(LAST_DAY) - FIRST_WEEK + 1) as u64;
const FIRST_MONTH: i64 = FIRST_DAY / 30;

pub(super) fn plans(document: &Document) -> Arc<[Plan]> {
    document.resources.iter().map(|resource| plan(document, resource)).collect()
}

fn plan(document: &Document, resource: &Resource) -> Plan {
    let is = |path: &str| document.resource_at(path).is_some_and(|found| found.number == resource.number);
    let maker = if let Some(kind) = Kind::ALL.into_iter().find(|kind| is(kind.path())) {
        Maker::Hand(kind)
    } else if let Some((_, own)) = OWN.into_iter().find(|(path, _)| is(path)) {
        Maker::Own(own)
    } else if let Some((_, table)) = TABLES.into_iter().find(|(path, _)| is(path)) {
        Maker::Listed(table)
    } else {
        Maker::Made
    };
    let stream = resource.template.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3)
    });
    Plan { maker, stream: stream | STREAMS, edited: edited(document, resource) }
}

/// A text that says something, else a number, else a switch.
fn edited(document: &Document, resource: &Resource) -> Option<&'static str> {
    let members = || document.schema(resource.schema).into_iter().flat_map(|schema| &schema.members);
    let named = |name: &str| members().find(|member| member.name == name && member.of == Of::Text);
    let spoken = ["description", "notes", "text", "summary", "title", "name"].into_iter().find_map(named);
    let of = |of: Of| members().find(|member| member.of == of && !member.name.to_ascii_lowercase().ends_with("id"));
    let found = spoken.or_else(|| of(Of::Decimal)).or_else(|| of(Of::Text)).or_else(|| of(Of::Whole));
    found.or_else(|| of(Of::Flag)).map(|member| member.name)
}

/// Set-up records in the order of their ids.
fn sorted(table: &'static [SetUp]) -> Vec<SetUp> {
    let mut table = table.to_vec();
    table.sort_unstable();
    table
}

impl World {
    pub(crate) fn plan(&self, place: Place) -> Plan {
        self.plans[place.resource]
    }

    /// Whether a list is one of tickets.
    pub(super) fn is_ticket(&self, place: Place) -> bool {
        matches!(self.plan(place).maker, Maker::Own(Own::ServiceTicket | Own::ProjectTicket))
    }

    /// The set-up record of a row.
    pub(super) fn listed(table: &'static [SetUp], slot: u64) -> Option<SetUp> {
        sorted(table).get(usize::try_from(slot).ok()?).copied()
    }

    /// How many rows a list has before anything happens.
    pub(crate) fn rows(&self, place: Place) -> u64 {
        let Plan { maker, stream, .. } = self.plan(place);
        let draw = self.draw_row(stream, place.parents(), u64::MAX);
        let companies = self.count(Kind::Company);
        match maker {
            Maker::Hand(kind) => self.count(kind),
            Maker::Listed(table) => table.len() as u64,
            Maker::Made if place.parents().is_empty() => (6 + draw.below(1, 14)).max(self.traded(place)),
            Maker::Made => draw.below(1, 5),
            Maker::Own(own) => match own {
                Own::Contact => companies * 4,
                Own::ServiceTicket => companies * SERVICE_TICKETS_A_COMPANY,
                Own::ProjectTicket => companies * (TICKETS_A_COMPANY - SERVICE_TICKETS_A_COMPANY),
                Own::Project => companies * PROJECTS_A_COMPANY,
                Own::Phase => 3,
                Own::Activity => self.activities(),
                Own::Opportunity => self.opportunities(),
                Own::Configuration => companies * 3,
                Own::ScheduleEntry => (self.scale() / 10).max(30),
                Own::Addition => draw.below(1, 7),
                Own::Note => draw.below(1, 5),
                Own::Site => 1 + draw.below(1, 3),
                Own::BoardStatus => BOARD_STATUSES.len() as u64,
                Own::BoardType => BOARD_TYPES.len() as u64,
                Own::TimeSheet | Own::ExpenseReport => WEEKS * self.seats(),
                Own::Batch => 30,
                // Nobody has asked to be told anything yet.
                Own::Callback => 0,
                Own::Report => 264,
                Own::Adjustment => money::adjustments(&self.list_cast(place)),
                Own::Payment => money::payments(self, place),
                Own::Forecast => 1,
                Own::SlaPriority => desk::PRIORITIES,
                Own::Holiday => desk::holidays(&self.list_cast(place)),
                Own::SurveyResult => desk::results(&self.list_cast(place)),
                Own::Stock => desk::IN_A_BIN,
            },
        }
    }

    /// A list as a whole, as the row that there is none of.
    fn list_cast(&self, place: Place) -> Cast<'_> {
        Cast::of(self, place, Row::fresh(u64::MAX))
    }

    /// Orders of both directions, which follow the work.
    fn traded(&self, place: Place) -> u64 {
        match self.document.resources[place.resource].template {
            "/procurement/purchaseorders" | "/sales/orders" => self.scale() / 50,
            _ => 0,
        }
    }

    /// Whether a list can have a row with this number. Ids have 32 bits, whoever asks for them.
    pub(crate) fn has_room(place: Place, slot: u64) -> bool {
        match place.parent() {
            Some(parent) if slot >= CHILDREN as u64 - 1 => {
                slot < LATER_CHILDREN as u64 && later(parent, slot as i64) <= i64::from(i32::MAX)
            }
            _ => true,
        }
    }

    /// The id of a row of any list; ids rise with row numbers.
    pub(crate) fn row_id(&self, place: Place, slot: u64) -> i64 {
        let Plan { maker, stream, .. } = self.plan(place);
        let number = slot as i64;
        let below = |parent: i64| {
            if number < CHILDREN - 1 { parent * CHILDREN + number + 1 } else { later(parent, number) }
        };
        match (maker, place.parent()) {
            (Maker::Hand(kind), _) => self.id(kind, slot),
            (Maker::Listed(table), _) => match Self::listed(table, slot) {
                Some((id, _)) => id,
                None => {
                    let last = table.iter().map(|(id, _)| *id).max().unwrap_or(0);
                    last + 1 + number - table.len() as i64
                }
            },
            (Maker::Own(own), parent) => match (own, parent) {
                (Own::ServiceTicket, _) => 1 + ticket_of(Sort::Service, slot) as i64,
                (Own::ProjectTicket, _) => 1 + ticket_of(Sort::Project, slot) as i64,
                (Own::Activity, _) => 1_500 + number,
                (Own::Opportunity, _) => 3 + number,
                (Own::TimeSheet, _) => 37 + self.sheet_id(slot),
                (Own::ExpenseReport, _) => 3 + self.sheet_id(slot),
                (Own::Batch, _) => 2 + FIRST_MONTH + number,
                (Own::Site, Some(company)) if slot == 0 => {
                    let company = self.slot_of(Kind::Company, company, u64::MAX).unwrap_or(0);
                    1_000 + (company % 1_000_000) as i64
                }
                (Own::Site, Some(company)) => 3_000_000 + below(company) - 1,
                (Own::Phase, Some(project)) if slot < 3 => project * 3 + number,
                (Own::Phase, Some(project)) => 10_000_000 + below(project) - 1,
                (_, Some(parent)) => below(parent),
                (_, None) => 1 + number,
            },
            (Maker::Made, Some(parent)) => below(parent),
            (Maker::Made, None) => 1 + number * 3 + self.draw_row(stream, &[], slot).below(0, 3) as i64,
        }
    }

    /// The first of `slots` rows whose id is above `id`.
    pub(crate) fn row_after(&self, place: Place, id: i64, slots: u64) -> u64 {
        if let Maker::Hand(kind) = self.plan(place).maker {
            return self.first_after(kind, id);
        }
        let (mut low, mut high) = (0, slots);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.row_id(place, middle) <= id { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The row of an id, if one of `slots` rows has it.
    pub(crate) fn row_with(&self, place: Place, id: i64, slots: u64) -> Option<u64> {
        let slot = self.row_after(place, id.checked_sub(1)?, slots);
        (slot < slots && self.row_id(place, slot) == id).then_some(slot)
    }

    /// The seat and the week of a sheet or report.
    fn sheet(&self, slot: u64) -> (u64, i64) {
        (slot % self.seats(), FIRST_WEEK + (slot / self.seats()) as i64)
    }

    /// The member of a sheet or report, and the Monday that it starts with.
    pub(super) fn sheet_of(&self, slot: u64) -> (u64, i64) {
        let (seat, week) = self.sheet(slot);
        let monday = week * 7 - 3;
        (self.member_at(seat, monday), monday)
    }

    fn sheet_id(&self, slot: u64) -> i64 {
        let (seat, week) = self.sheet(slot);
        week * MOST_SEATS as i64 + seat as i64
    }

    /// Activities at the beginning.
    pub(super) fn activities(&self) -> u64 {
        self.scale().clamp(40, 4_000)
    }

    /// Opportunities at the beginning: three for each product that is offered on one.
    pub(super) fn opportunities(&self) -> u64 {
        (self.scale() / 20).clamp(30, 900)
    }
}

/// The week of a day, from Monday to Sunday: 1970-01-01 was a Thursday.
const fn week(day: i64) -> i64 {
    (day + 3).div_euclid(7)
}

/// The number of the sheet or report of a seat that a day is on; ids are some more.
pub(super) fn sheet_on(day: i64, seat: u64) -> i64 {
    week(day) * MOST_SEATS as i64 + seat as i64
}

/// The id of a row that comes after all those below its parent whose ids are next to each other.
fn later(parent: i64, number: i64) -> i64 {
    LATER + parent * LATER_CHILDREN + number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_planned_path_is_a_list_of_the_document() {
        let document = Document::pinned().unwrap();
        let paths = OWN.iter().map(|(path, _)| *path).chain(TABLES.iter().map(|(path, _)| *path));
        for path in paths.chain(Kind::ALL.into_iter().map(Kind::path)) {
            assert!(document.resource_at(path).is_some(), "{path}");
        }
    }

    #[test]
    fn ids_of_every_list_rise_and_lead_back_to_their_rows() {
        let document = Document::pinned().unwrap();
        let world = World::new(3, 500, document);
        for resource in &document.resources {
            let parents: Vec<i64> = [250, 300, 2].into_iter().take(resource.parents).collect();
            let Some(place) = Place::below(resource.number, &parents) else { continue };
            let slots = world.rows(place).min(200) + 100;
            let ids: Vec<i64> = (0..slots).map(|slot| world.row_id(place, slot)).collect();
            assert!(ids.is_sorted_by(|a, b| a < b), "{}: {ids:?}", resource.template);
            for (slot, id) in ids.iter().enumerate() {
                assert_eq!(world.row_with(place, *id, slots), Some(slot as u64), "{}", resource.template);
            }
            assert_eq!(world.row_with(place, 0, slots), None);
            assert_eq!(world.row_with(place, i64::MIN, slots), None);
        }
    }
}
