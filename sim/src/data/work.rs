//! What time entries, expenses and products have in common: a day, a company, a member, what the work is charged to, and
//! the agreement and invoice of that same company.

use super::agreement;
use super::rng::Draw;
use super::staff::Shift;
use super::tickets::{SERVICE_TICKETS_A_COMPANY, TICKETS_A_COMPANY};
use super::world::{LAST_DAY, Link, Row, World};
use crate::calendar::civil;
use crate::kind::Kind;

/// What a line is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charge {
    Company,
    ServiceTicket,
    ProjectTicket,
    Code,
    Activity,
}

impl Charge {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Company => "Company",
            Self::ServiceTicket => "ServiceTicket",
            Self::ProjectTicket => "ProjectTicket",
            Self::Code => "ChargeCode",
            Self::Activity => "Activity",
        }
    }
}

/// The decisions behind a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) draw: Draw,
    pub(crate) day: i64,
    pub(crate) shift: Shift,
    /// The popularity rank of the company.
    pub(crate) rank: u64,
    pub(crate) company: Link,
    pub(crate) internal: bool,
    pub(crate) member: Link,
    pub(crate) agreement: Option<u64>,
    pub(crate) invoice: Option<u64>,
    pub(crate) charge: Charge,
    pub(crate) billable: &'static str,
    /// Its hours are paid by the flat fee of its agreement.
    pub(crate) covered: bool,
}

pub(crate) const PROJECTS_A_COMPANY: u64 = 4;

impl Work {
    pub(crate) fn of(world: &World, kind: Kind, row: Row) -> Self {
        let draw = world.draw(kind, row.slot);
        let shift = world.shift(kind, row, draw);
        let day = shift.day;
        // Own affairs, clients, and others: prospects, and clients that left.
        let rank = match draw.below(2, 100) {
            0..=11 => 0,
            12..=96 => 1 + draw.skewed(20, world.clients()),
            _ => draw.below(21, world.count(Kind::Company)),
        };
        let is_client = world.is_client(rank);
        let company = Link { slot: world.company_of_rank(rank), deleted: draw.chance(3, 25) };
        let member = Link { slot: world.member_at(shift.seat, day), deleted: draw.chance(5, 30) };
        let internal = rank == 0 && !company.deleted;
        let charge = match draw.below(6, 100) {
            0 => Charge::Company,
            1..=62 => Charge::ServiceTicket,
            63..=84 => Charge::ProjectTicket,
            85..=95 => Charge::Code,
            _ => Charge::Activity,
        };
        let billable = match (draw.below(7, 100), is_client) {
            (0..=90, true) => "Billable",
            (91..=94, true) | (0..=55, false) => "DoNotBill",
            (95..=97, true) | (56..=94, false) => "NoCharge",
            _ => "NoDefault",
        };
        let has_agreement = !company.deleted && draw.chance(8, if is_client { 8_500 } else { 6_000 });
        let choice = if draw.chance(9, 8_000) { 0 } else { 1 };
        let agreement = world.agreement_of_rank(rank, choice).filter(|_| has_agreement);
        let agreement = agreement.filter(|slot| agreement::has_begun(world, *slot, day));
        let covered = kind == Kind::TimeEntry
            && billable == "Billable"
            && agreement.is_some_and(|slot| agreement::covers_time(world, slot))
            && draw.chance(335, 8_500);
        let (year, month, _) = civil(day);
        let invoice = if let Some((_, invoice)) = row.invoiced {
            Some(invoice)
        } else if company.deleted || internal || billable != "Billable" || !draw.chance(10, 9_650) {
            None
        } else {
            world.invoice_of_rank(rank, (year - 2024) * 12 + month - 1, draw.at(11))
        };
        Self { draw, day, shift, rank, company, internal, member, agreement, invoice, charge, billable, covered }
    }

    /// The row as its money is told: once it is on an invoice, no edit changes that.
    pub(crate) fn priced(&self, row: Row) -> Row {
        match (self.invoice, row.invoiced) {
            (None, _) => row,
            (Some(_), Some((stamp, _))) => Row { edited: stamp, ..row },
            (Some(_), None) => Row { edited: 0, ..row },
        }
    }

    /// The status of a line. What wasn't billed in its time was written off, all but a few that somebody argues about.
    pub(crate) fn status(&self) -> &'static str {
        if self.invoice.is_some() {
            return if self.covered { "BilledAgreement" } else { "Billed" };
        }
        let choice = self.draw.below(13, 20);
        if self.day > LAST_DAY - 21 {
            return match choice {
                0..=5 => "Open",
                6..=8 => "PendingApproval",
                9 => "PendingProjectApproval",
                10..=11 => "ApprovedByTierOne",
                12..=13 => "ApprovedByTierTwo",
                14 => "Rejected",
                15 => "ErrorsCorrected",
                16 => "RejectBySecondTier",
                _ => "ReadyToBill",
            };
        }
        match choice {
            0 => "WrittenOff",
            1..=17 if self.billable != "Billable" => "Billed",
            1..=11 => "WrittenOff",
            12..=18 if self.day < LAST_DAY - 90 => "WrittenOff",
            18 => "ApprovedByTierTwo",
            _ => "ReadyToBill",
        }
    }

    pub(crate) fn has_ticket(&self) -> bool {
        matches!(self.charge, Charge::ServiceTicket | Charge::ProjectTicket)
    }

    pub(crate) fn ticket(&self) -> u64 {
        let place = match self.charge {
            Charge::ProjectTicket => {
                SERVICE_TICKETS_A_COMPANY + self.draw.below(14, TICKETS_A_COMPANY - SERVICE_TICKETS_A_COMPANY)
            }
            _ => self.draw.below(14, SERVICE_TICKETS_A_COMPANY),
        };
        1 + self.company.slot * TICKETS_A_COMPANY + place
    }

    pub(crate) fn project(&self) -> u64 {
        1 + self.company.slot * PROJECTS_A_COMPANY + self.draw.below(15, PROJECTS_A_COMPANY)
    }

    pub(crate) fn phase(&self) -> u64 {
        self.project() * 3 + self.draw.below(16, 3)
    }

    pub(crate) fn activity(&self, world: &World) -> u64 {
        1_500 + self.draw.below(17, world.activities())
    }

    pub(crate) fn charge_to_id(&self, world: &World) -> i64 {
        match self.charge {
            Charge::Company => world.link_id(Kind::Company, self.company),
            Charge::ServiceTicket | Charge::ProjectTicket => self.ticket() as i64,
            Charge::Code => 40 + self.draw.below(14, 12) as i64,
            Charge::Activity => self.activity(world) as i64,
        }
    }
}
