//! Entities whose lists hang on a row: additions, notes, phases, sites, what boards have.

use super::{day, working};
use crate::calendar::DAY;
use crate::data::made::Cast;
use crate::data::plan::Own;
use crate::data::shape::{Decimal, Shape};
use crate::data::world::{self, FIRST_DAY, LAST_DAY, Link};
use crate::data::{agreement, names, reference, refs};
use crate::document::Member;
use crate::kind::Kind;

/// What an agreement bills besides hours: quantity times price, from a day on.
pub(super) fn addition(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let (world, draw) = (cast.world, cast.draw);
    let change = Change::of(cast);
    let quantity = change.quantity(1 + draw.below(40, 14) as i64);
    let price = change.price(draw.pick(41, &[490, 990, 1_490, 2_900, 4_150]));
    let cost = price * 7 / 10;
    let agreement = cast.place.parent().and_then(|id| world.slot_of(Kind::Agreement, id, world.count(Kind::Agreement)));
    let start = match cast.row.born {
        0 => FIRST_DAY - 200 + draw.below(42, 700) as i64,
        born => world::advance_day(born),
    };
    // It ends with its agreement, or before that.
    let early = draw.chance(43, 1_200).then(|| start + 60 + draw.below(45, 500) as i64);
    let with_agreement = agreement.and_then(|slot| agreement::last_day(world, slot));
    let cancelled = match change {
        Change::Cancelled(day) => Some(day),
        _ => [early, with_agreement].into_iter().flatten().min().filter(|end| *end <= LAST_DAY),
    };
    match member.name {
        "agreementId" => s.int("agreementId", cast.place.parent().unwrap_or(0)),
        "quantity" => s.num("quantity", Decimal::whole(quantity)),
        "lessIncluded" => s.num("lessIncluded", Decimal::ZERO),
        "unitPrice" => s.num("unitPrice", Decimal::whole(price)),
        "unitCost" => s.num("unitCost", Decimal::whole(cost)),
        "extendedPrice" | "extPrice" => s.num(member.name, Decimal::whole(quantity * price)),
        "extendedCost" | "extCost" => s.num(member.name, Decimal::whole(quantity * cost)),
        "billedQuantity" => s.num("billedQuantity", Decimal::whole(quantity)),
        "margin" => s.num("margin", Decimal::whole(quantity * (price - cost))),
        "billCustomer" => {
            let option = match draw.below(44, 20) {
                0 => "DoNotBill",
                1 => "NoCharge",
                _ => "Billable",
            };
            s.text("billCustomer", option);
        }
        "agreementStatus" => s.text("agreementStatus", if cancelled.is_some() { "Cancelled" } else { "Active" }),
        "effectiveDate" => s.time("effectiveDate", start * DAY),
        "cancelledDate" => {
            if let Some(day) = cancelled {
                s.time("cancelledDate", day.max(start) * DAY);
            }
        }
        _ => return false,
    }
    true
}

/// What the last edit changed of an addition: mostly how many of it there are.
#[derive(Clone, Copy)]
enum Change {
    Nothing,
    Quantity(i64),
    /// By so many per cent.
    Price(i64),
    Cancelled(i64),
}

impl Change {
    fn of(cast: &Cast) -> Self {
        let draw = cast.draw.item(u64::from(cast.row.edited));
        match draw.below(46, 100) {
            _ if cast.row.edited == 0 => Self::Nothing,
            0..60 => Self::Quantity([-2, -1, 1, 2, 3, 5][draw.below(47, 6) as usize]),
            60..85 => Self::Price(2 + draw.below(47, 7) as i64),
            85..93 => Self::Cancelled(world::advance_day(cast.row.edited)),
            _ => Self::Nothing,
        }
    }

    fn quantity(self, quantity: i64) -> i64 {
        if let Self::Quantity(more) = self { (quantity + more).max(1) } else { quantity }
    }

    fn price(self, price: i64) -> i64 {
        if let Self::Price(per_cent) = self { price * (100 + per_cent) / 100 } else { price }
    }
}

pub(super) fn note(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let (world, draw) = (cast.world, cast.draw);
    match member.name {
        "ticketId" => s.int("ticketId", cast.place.parent().unwrap_or(0)),
        "text" => s.made("text", |o| {
            names::prose(o, draw, 1_000, 1 + draw.below(40, 5));
            if cast.row.edited > 0 {
                o.push_str(" Leiðrétt ");
                names::number(o, i64::from(cast.row.version()));
            }
        }),
        "detailDescriptionFlag" => s.flag("detailDescriptionFlag", draw.below(41, 3) == 0),
        "internalAnalysisFlag" => s.flag("internalAnalysisFlag", draw.below(41, 3) == 1),
        "resolutionFlag" => s.flag("resolutionFlag", draw.below(41, 3) == 2),
        "dateCreated" => s.made("dateCreated", |o| crate::calendar::push(o, working(day(cast), cast))),
        "member" => {
            let member = Link { slot: draw.skewed(42, world.count(Kind::Member)), deleted: draw.chance(43, 100) };
            refs::member(s, "member", world, member, false);
        }
        "contact" => {}
        _ => return false,
    }
    true
}

pub(super) fn phase(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let project = cast.place.parent().unwrap_or(0);
    match member.name {
        "projectId" => s.int("projectId", project),
        "description" => s.made("description", |o| {
            reference::name(o, cast.world, cast.place, cast.row.slot);
            if cast.row.edited > 0 {
                names::number(o, i64::from(cast.row.version()));
            }
        }),
        "wbsCode" => s.made("wbsCode", |o| names::number(o, 1 + cast.row.slot as i64)),
        // Most phases have no method and are billed like their project.
        "billingMethod" => {
            if cast.draw.chance(62, 800) {
                s.text("billingMethod", cast.draw.pick(63, &["ActualRates", "FixedFee"]));
            }
        }
        "parentPhase" | "deliverableOpportunity" => {}
        _ => return false,
    }
    true
}

pub(super) fn site(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let world = cast.world;
    let parent = cast.place.parent().unwrap_or(0);
    let slot = world.slot_of(Kind::Company, parent, u64::MAX).unwrap_or(0);
    let firm = world.draw(Kind::Company, slot);
    match member.name {
        "name" if cast.row.slot == 0 => {
            if firm.chance(52, 6_000) {
                s.text("name", "Main");
            } else {
                s.made("name", |o| names::street(o, firm));
            }
        }
        "company" => refs::company(s, "company", world, Link { slot, deleted: false }),
        "addressLine1" if cast.row.slot == 0 => s.made("addressLine1", |o| names::street(o, firm)),
        "city" if cast.row.slot == 0 => s.text("city", names::city(firm).0),
        "primaryAddressFlag" | "defaultBillingFlag" => s.flag(member.name, cast.row.slot == 0),
        "inactiveFlag" => s.flag("inactiveFlag", cast.row.slot > 0 && cast.draw.chance(40, 1_500)),
        _ => return false,
    }
    true
}

pub(super) fn board(cast: &Cast, own: Own, member: &Member, s: &mut impl Shape) -> bool {
    let slot = cast.row.slot;
    match (own, member.name) {
        (Own::BoardStatus, "closedStatus") => s.flag("closedStatus", matches!(slot, 3 | 4)),
        (Own::BoardStatus, "escalationStatus") => s.text(
            "escalationStatus",
            match slot {
                0 => "NotResponded",
                1 => "Responded",
                // The clock of the SLA stands while the client is waited for.
                2 => "NoEscalation",
                _ => "Resolved",
            },
        ),
        (_, "defaultFlag") => s.flag("defaultFlag", slot == 0),
        (_, "sortOrder") => s.int("sortOrder", slot as i64),
        (_, "inactive" | "inactiveFlag") => s.flag(member.name, false),
        (_, "board") => {
            let board = cast.place.parent().unwrap_or(1);
            super::refer(cast, member, "/service/boards", board.unsigned_abs().saturating_sub(1), s);
        }
        _ => return false,
    }
    true
}
