//! Entities whose lists hang on a row: additions, notes, phases, sites, what boards have.

use super::{day, working};
use crate::calendar::DAY;
use crate::data::made::Cast;
use crate::data::plan::Own;
use crate::data::shape::{Decimal, Shape};
use crate::data::world::{FIRST_DAY, Link};
use crate::data::{names, reference, refs};
use crate::document::Member;
use crate::kind::Kind;

/// What an agreement bills besides hours: quantity times price, from a day on.
pub(super) fn addition(cast: &Cast, member: &Member, s: &mut impl Shape) -> bool {
    let draw = cast.draw;
    let quantity = 1 + draw.below(40, 60) as i64;
    let price = draw.pick(41, &[990, 2_900, 4_150, 12_990, 39_000]) + 100 * i64::from(cast.row.version());
    let cost = price * 7 / 10;
    let start = FIRST_DAY + draw.below(42, 500) as i64;
    let cancelled = draw.chance(43, 1_000);
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
        "billCustomer" => s.text("billCustomer", draw.pick(44, &["Billable", "Billable", "DoNotBill", "NoCharge"])),
        "effectiveDate" => s.time("effectiveDate", start * DAY),
        "cancelledDate" => {
            if cancelled {
                s.time("cancelledDate", (start + 200) * DAY);
            }
        }
        _ => return false,
    }
    true
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
