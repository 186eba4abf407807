//! What time entries, expenses and products have in common: a day, a company, a member, what the work is charged to, and
//! the agreement and invoice of that same company.

use super::invoice;
use super::rng::Draw;
use super::tickets::{SERVICE_TICKETS_A_COMPANY, TICKETS_A_COMPANY};
use super::world::{FIRST_DAY, LAST_DAY, Link, Row, World, advance_day};
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
    /// The popularity rank of the company.
    pub(crate) rank: u64,
    pub(crate) company: Link,
    pub(crate) internal: bool,
    pub(crate) member: Link,
    pub(crate) agreement: Option<u64>,
    pub(crate) invoice: Option<u64>,
    pub(crate) charge: Charge,
    pub(crate) billable: &'static str,
}

pub(crate) const PROJECTS_A_COMPANY: u64 = 4;

impl Work {
    pub(crate) fn of(world: &World, kind: Kind, row: Row) -> Self {
        let draw = world.draw(kind, row.slot);
        let day = if row.born > 0 { advance_day(row.born) } else { day_of(draw, row.slot, world.count(kind)) };
        let rank = draw.skewed(2, world.count(Kind::Company));
        let company = Link { slot: world.company_of_rank(rank), deleted: draw.chance(3, 25) };
        let member = Link { slot: draw.skewed(4, world.count(Kind::Member)), deleted: draw.chance(5, 30) };
        let internal = rank == 0 && !company.deleted;
        let charge = match draw.below(6, 100) {
            0 => Charge::Company,
            1..=62 => Charge::ServiceTicket,
            63..=84 => Charge::ProjectTicket,
            85..=95 => Charge::Code,
            _ => Charge::Activity,
        };
        let billable = match (draw.below(7, 100), internal) {
            (0..=9, false) | (0..=2, true) => "Billable",
            (10..=68, false) => "Billable",
            (69..=81, false) | (3..=60, true) => "DoNotBill",
            (82..=92, false) | (61..=94, true) => "NoCharge",
            _ => "NoDefault",
        };
        let agreement =
            if company.deleted || !draw.chance(8, 7_000) { None } else { world.agreement_of_rank(rank, draw.at(9)) };
        let (year, month, _) = civil(day);
        let invoice = if let Some((_, invoice)) = row.invoiced {
            Some(invoice)
        } else if company.deleted || internal || billable != "Billable" || !draw.chance(10, 8_500) {
            None
        } else {
            let invoice = world.invoice_of_rank(rank, (year - 2024) * 12 + month - 1, draw.at(11));
            invoice.filter(|invoice| invoice::takes_lines(world, *invoice))
        };
        Self { draw, day, rank, company, internal, member, agreement, invoice, charge, billable }
    }

    /// The row as its money is told: once it is on an invoice, no edit changes that.
    pub(crate) fn priced(&self, row: Row) -> Row {
        match (self.invoice, row.invoiced) {
            (None, _) => row,
            (Some(_), Some((stamp, _))) => Row { edited: stamp, ..row },
            (Some(_), None) => Row { edited: 0, ..row },
        }
    }

    /// The status of a line. Old lines that are on no invoice were written off, closed without one, or wait for ever.
    pub(crate) fn status(&self) -> &'static str {
        if self.invoice.is_some() {
            return if self.agreement.is_some() && self.draw.chance(12, 3_000) { "BilledAgreement" } else { "Billed" };
        }
        let choice = self.draw.below(13, 20);
        if self.day > LAST_DAY - 45 {
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
            0..=5 => "WrittenOff",
            6..=7 => "ApprovedByTierTwo",
            8..=16 if self.billable != "Billable" => "Billed",
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

/// Rows are entered as time goes by; what would fall on a weekend is mostly done on the Friday before.
fn day_of(draw: Draw, slot: u64, rows: u64) -> i64 {
    let span = (LAST_DAY - FIRST_DAY) as u64;
    let day = FIRST_DAY + (u128::from(slot) * u128::from(span) / u128::from(rows.max(1))) as i64;
    // 1970-01-01 was a Thursday.
    let weekday = (day + 3).rem_euclid(7);
    if weekday >= 5 && !draw.chance(18, 700) && day - FIRST_DAY > 2 { day - (weekday - 4) } else { day }
}
