//! Agreements: their types, numbers and parents.

use super::names::{self, href};
use super::refs::{self, SetUp};
use super::setup::Said;
use super::shape::{Decimal, Shape};
use super::world::{self, FIRST_DAY, LAST_DAY, Link, MASS_IMPORT, MASS_UPDATE, NOW, Row, World};
use crate::calendar::{DAY, days};
use crate::kind::Kind;

/// Names as people typed them: with trailing blanks and colons, in mixed case, and some that no rule knows.
pub(super) const TYPES: [SetUp; 18] = [
    (30, "Innri verkefni"),
    (31, "Tímapottur "),
    (32, "yÞjónusta"),
    (33, "Rekstrarþjónusta:"),
    (34, "Alrekstur"),
    (35, "Hugbúnaðarþjónusta "),
    (36, "Office 365"),
    (37, "Tímapottur : "),
    (38, "Útseld vinna"),
    (39, "Vélbúnaður"),
    (40, "tímapottur"),
    (41, "REKSTRARÞJÓNUSTA"),
    (42, "Managed Services - Gold"),
    (43, "Block Hours"),
    (44, "Time & Materials"),
    (45, "Managed Security "),
    (46, "Backup & DR"),
    (47, "Cloud Services"),
];

/// That of the provider's own work.
const INTERNAL: i64 = 30;
/// Those under which hours are sold ahead, those whose hours are billed as they come, and those whose fee usually pays for work.
const PREPAID: [i64; 4] = [31, 37, 40, 43];
const BY_THE_HOUR: [i64; 2] = [38, 44];
const MANAGED: [i64; 6] = [33, 34, 41, 42, 45, 46];

/// The billing cycles, and the months of each.
pub(super) const CYCLES: [SetUp; 3] = [(1, "Árlega "), (2, "Mánaðarlega"), (3, "Ársfjórðungslega")];
const MONTHS: [u64; 3] = [12, 1, 3];

/// The type of an agreement; the provider's own first one is internal, and the first ones show every type.
pub(crate) fn type_of(world: &World, slot: u64) -> SetUp {
    match usize::try_from(slot) {
        Ok(slot) if slot < TYPES.len() => TYPES[slot],
        _ if world.agreement_rank(slot) == 0 => TYPES[0],
        _ => TYPES[1 + world.draw(Kind::Agreement, slot).below(501, TYPES.len() as u64 - 1) as usize],
    }
}

pub(super) fn name(out: &mut String, world: &World, slot: u64) {
    let draw = world.draw(Kind::Agreement, slot);
    out.push_str(type_of(world, slot).1.trim());
    out.push_str(" - ");
    names::title(out, draw, 510, 1 + draw.below(502, 3));
    if draw.chance(503, 800) {
        out.push(' ');
    }
}

/// `{id, name, type, _info}` as other rows show it.
pub(crate) fn reference(s: &mut impl Shape, key: &'static str, world: &World, slot: u64) {
    if !s.enter(key) {
        return;
    }
    let id = world.id(Kind::Agreement, slot);
    s.int("id", id);
    s.made("name", |o| name(o, world, slot));
    s.text("type", type_of(world, slot).1);
    if s.enter("_info") {
        s.made("agreement_href", |o| href(o, "finance/agreements/", id));
        s.leave();
    }
    s.leave();
}

/// The agreement under whose fee the provider works for a client of this rank; about two of three have one. Who buys hours ahead
/// pays for them.
pub(super) fn flat_fee_of(world: &World, rank: u64) -> Option<u64> {
    let first = world.agreement_of_rank(rank, 0).filter(|_| world.is_client(rank))?;
    let by_the_hour = BY_THE_HOUR.contains(&type_of(world, first).0);
    let chosen = !by_the_hour && world.draw(Kind::Agreement, first).chance(591, 6_500);
    (chosen || is_prepaid(world, first)).then_some(first)
}

/// What an agreement type says of how its agreements are billed.
pub(super) fn type_says(id: i64, property: &str) -> Option<Said> {
    let prepaid = PREPAID.contains(&id);
    Some(match property {
        "chargeToFirmFlag" => Said::Flag(id == INTERNAL),
        "prePaymentFlag" => Said::Flag(prepaid),
        "applicationUnits" => Said::Text(if prepaid { "Hours" } else { "Amount" }),
        "applicationUnlimitedFlag" => Said::Flag(!prepaid),
        "coverAgreementTimeFlag" => Said::Flag(prepaid || MANAGED.contains(&id)),
        "billTime" => Said::Text(if BY_THE_HOUR.contains(&id) { "Billable" } else { "NoDefault" }),
        _ => return None,
    })
}

/// Whether an agreement had begun by a day.
pub(super) fn has_begun(world: &World, slot: u64, day: i64) -> bool {
    start(world, Row::fresh(slot)) <= day
}

/// The last day of an agreement that was there from the start, if it has one.
pub(super) fn last_day(world: &World, slot: u64) -> Option<i64> {
    end(world, Row::fresh(slot)).0
}

/// The first day of an agreement that was there from the start, and its last one, if it has one.
pub(super) fn days_of(world: &World, slot: u64) -> (i64, Option<i64>) {
    (start(world, Row::fresh(slot)), last_day(world, slot))
}

/// Whether the fee of an agreement pays for work.
pub(super) fn covers_time(world: &World, slot: u64) -> bool {
    flat_fee_of(world, world.agreement_rank(slot)) == Some(slot)
}

/// Which of the cycles an agreement is billed in: most every month.
fn cycle(world: &World, slot: u64) -> usize {
    world.draw(Kind::Agreement, slot).pick(592, &[1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 0])
}

/// Whether an agreement had begun in a month, counted from January 2024 (0), and its fee is due then.
pub(super) fn is_due(world: &World, slot: u64, month: u64) -> bool {
    let first_of_month = days(2024 + month as i64 / 12, month as i64 % 12 + 1, 1);
    has_begun(world, slot, first_of_month) && month.is_multiple_of(MONTHS[cycle(world, slot)])
}

/// What an agreement is billed for each of its cycles, before anybody changed it. Larger clients pay more.
pub(super) fn fee(world: &World, slot: u64) -> Decimal {
    let (draw, rank) = (world.draw(Kind::Agreement, slot), world.agreement_rank(slot));
    // The first of its company's.
    let is_first = slot == rank;
    let monthly = if rank == 0 {
        0
    } else if is_first {
        draw.pick(552, &[145_000, 190_000, 260_000, 340_000]) * if rank < 5 { 2 } else { 1 }
    } else {
        draw.pick(552, &[0, 0, 0, 49_000])
    };
    Decimal::whole(monthly * MONTHS[cycle(world, slot)] as i64)
}

/// Whether hours are sold ahead.
pub(super) fn is_prepaid(world: &World, slot: u64) -> bool {
    PREPAID.contains(&type_of(world, slot).0)
}

/// The first day of an agreement.
fn start(world: &World, row: Row) -> i64 {
    match row.born {
        0 => FIRST_DAY - 1_800 + world.draw(Kind::Agreement, row.slot).below(520, 2_200) as i64,
        born => world::advance_day(born),
    }
}

/// The last day of an agreement, and whether it was cancelled. Agreements of clients run on, or were renewed; those of others have
/// ended.
fn end(world: &World, row: Row) -> (Option<i64>, bool) {
    let draw = world.draw(Kind::Agreement, row.slot);
    let rank = world.agreement_rank(row.slot);
    if row.born > 0 || rank == 0 || world.is_client(rank) {
        let far = LAST_DAY.max(start(world, row)) + 20 + draw.below(522, 900) as i64;
        return ((!draw.chance(521, 5_500)).then_some(far), false);
    }
    let end = start(world, row).max(FIRST_DAY) + 30 + draw.below(522, 330) as i64;
    (Some(end), draw.chance(523, 3_000))
}

pub(crate) fn last_updated(world: &World, row: Row) -> i64 {
    let draw = world.draw(Kind::Agreement, row.slot);
    match row {
        Row { edited: 1.., .. } => world::touched(draw, row.edited),
        Row { born: 1.., .. } => world::touched(draw, row.born),
        _ if draw.chance(504, 2_500) => MASS_UPDATE,
        _ => MASS_IMPORT + draw.below(505, (NOW - MASS_IMPORT) as u64) as i64,
    }
}

pub(crate) fn shape(world: &World, row: Row, s: &mut impl Shape) {
    let slot = row.slot;
    let draw = world.draw(Kind::Agreement, slot);
    let company = world.company_of_rank(world.agreement_rank(slot));
    let link = Link { slot: company, deleted: false };
    let start = start(world, row);
    let (end, cancelled) = end(world, row);
    s.int("id", world.id(Kind::Agreement, slot));
    s.made("name", |o| name(o, world, slot));
    refs::set_up(s, "type", type_of(world, slot), "type_href", "finance/agreements/types/");
    refs::company(s, "company", world, link);
    refs::contact(s, "contact", world, company, 0);
    refs::site(s, "site", world, company);
    refs::location(s, draw);
    refs::department(s, "department", draw);
    if let Some(parent) = world.parent_agreement(slot) {
        reference(s, "parentAgreement", world, parent);
    }
    s.flag("restrictLocationFlag", false);
    s.flag("restrictDepartmentFlag", false);
    s.time("startDate", start * DAY);
    if let Some(end) = end {
        s.time("endDate", end * DAY);
    }
    s.flag("noEndingDateFlag", end.is_none());
    if draw.chance(524, 2_000) {
        s.made("customerPO", |o| names::digits(o, draw, 525, 6));
    }
    s.flag("cancelledFlag", cancelled);
    if cancelled {
        s.time("dateCancelled", (end.unwrap_or(start) - 5) * DAY);
        s.text("reasonCancelled", draw.pick(526, &["Uppsögn", "Sameining ", ""]));
    }
    coverage(s, world, slot);
    billing(s, world, row, start);
    s.text(
        "agreementStatus",
        match end {
            _ if cancelled => "Cancelled",
            Some(end) if end < LAST_DAY => "Expired",
            _ if draw.chance(527, 300) => "Inactive",
            _ => "Active",
        },
    );
    custom_fields(s, world, row);
    if s.enter("_info") {
        s.time("lastUpdated", last_updated(world, row));
        s.made("updatedBy", |o| padded(o, world, draw.below(528, world.count(Kind::Member))));
        s.time("createdDate", (start - draw.below(529, 30) as i64) * DAY + 10 * 3600);
        s.made("createdBy", |o| padded(o, world, draw.below(530, world.count(Kind::Member))));
        s.leave();
    }
}

/// The audit names of agreements come padded with blanks to 15 characters.
fn padded(out: &mut String, world: &World, member: u64) {
    let start = out.chars().count();
    refs::member_identifier(out, world.draw(Kind::Member, member), world.id(Kind::Member, member));
    for _ in out.chars().count() - start..15 {
        out.push(' ');
    }
}

fn coverage(s: &mut impl Shape, world: &World, slot: u64) {
    let draw = world.draw(Kind::Agreement, slot);
    let pot = is_prepaid(world, slot);
    s.text("applicationUnits", if pot { "Hours" } else { draw.pick(540, &["Amount", "Hours", "Incidents"]) });
    s.num("applicationLimit", Decimal::whole(if pot { 1 + draw.below(541, 60) as i64 } else { 0 }));
    s.text("applicationCycle", draw.pick(542, &["CalendarMonth", "CalendarMonth", "CalendarQuarter", "ContractYear"]));
    s.flag("applicationUnlimitedFlag", !pot);
    s.flag("oneTimeFlag", false);
    s.flag("coverAgreementTime", covers_time(world, slot) || draw.chance(543, 500));
    s.flag("coverAgreementProduct", draw.chance(544, 2_000));
    s.flag("coverAgreementExpense", draw.chance(545, 2_500));
    s.flag("coverSalesTax", false);
    s.flag("carryOverUnused", pot);
    s.flag("allowOverruns", true);
    if pot && draw.chance(546, 3_000) {
        s.int("expiredDays", 90);
    }
    s.flag("expireWhenZero", pot && draw.chance(547, 1_000));
    s.flag("chargeToFirm", world.agreement_rank(slot) == 0);
    s.text("employeeCompRate", draw.pick(548, &["Actual", "Hourly"]));
    s.text("employeeCompNotExceed", draw.pick(549, &["Billing", "Amount", "Percent"]));
    s.num("compHourlyRate", Decimal::ZERO);
    s.num("compLimitAmount", Decimal::ZERO);
}

fn billing(s: &mut impl Shape, world: &World, row: Row, start: i64) {
    let draw = world.draw(Kind::Agreement, row.slot);
    let company = world.company_of_rank(world.agreement_rank(row.slot));
    let link = Link { slot: company, deleted: false };
    refs::set_up(s, "billingCycle", CYCLES[cycle(world, row.slot)], "billingCycle_href", "finance/billingCycles/");
    s.flag("billOneTimeFlag", false);
    if draw.chance(550, 6_000) {
        refs::billing_terms(s, draw);
    }
    s.text("invoicingCycle", draw.pick(551, &["CalendarYear", "ContractYear"]));
    refs::company(s, "billToCompany", world, link);
    refs::contact(s, "billToContact", world, company, 1);
    refs::site(s, "billToSite", world, company);
    let raised = 1_000 * i64::from(row.version() % 20);
    s.num("billAmount", Decimal(fee(world, row.slot).0 + Decimal::whole(raised).0));
    s.flag("taxable", draw.chance(553, 7_000));
    s.time("billStartDate", start * DAY);
    refs::tax_code(s, draw);
    s.flag("restrictDownPayment", false);
    s.flag("prorateFlag", draw.chance(554, 1_000));
    if draw.chance(555, 3_000) {
        s.made("internalNotes", |o| names::prose(o, draw, 3_000, 2));
    }
    if draw.chance(556, 5_000) {
        let next = crate::calendar::text((LAST_DAY + 18) * DAY);
        s.made("nextInvoiceDate", |o| o.extend(next.iter().map(|byte| char::from(*byte))));
    }
    s.flag("invoiceProratedAdditionsFlag", false);
    s.flag("topComment", false);
    s.flag("bottomComment", false);
    // Work is mostly billed, or as its entries say.
    s.text("billTime", draw.pick(565, &["Billable", "Billable", "NoDefault", "NoDefault", "NoDefault", "NoCharge"]));
    for key in ["billExpenses", "billProducts"] {
        s.text(key, draw.pick(557 + key.len() as u64, &["NoDefault", "Billable", "DoNotBill", "NoCharge"]));
    }
    s.flag("billableTimeInvoice", draw.chance(575, 4_000));
    s.flag("billableExpenseInvoice", false);
    s.flag("billableProductInvoice", false);
    refs::currency(s, draw.chance(576, 500), true);
    s.flag("autoInvoiceFlag", draw.chance(577, 1_500));
    refs::set_up(s, "companyLocation", draw.pick(578, &refs::LOCATIONS), "location_href", "system/locations/");
    refs::company(s, "shipToCompany", world, link);
    refs::site(s, "shipToSite", world, company);
}

/// One custom field of each kind of value; the number is often kept by the parent only.
fn custom_fields(s: &mut impl Shape, world: &World, row: Row) {
    if !s.list("customFields") {
        return;
    }
    let draw = world.draw(Kind::Agreement, row.slot);
    let inherits = world.parent_agreement(row.slot).is_some() && draw.chance(580, 6_000);
    let newer = draw.chance(581, 200);
    let number = (!inherits && !draw.chance(582, 1_500)) || row.edited > 0;
    field(s, 4, "Samningsnúmer", "Text", world, newer, |s| {
        if number {
            s.made("value", |o| {
                o.push_str("SN-");
                names::digits(o, draw, 583 + u64::from(row.version()), 5);
            });
        }
    });
    field(s, 20, "365 Tenant", "Text", world, newer, |s| {
        if draw.chance(584, 3_000) {
            s.made("value", |o| names::guid(o, draw, 585));
        } else if draw.chance(584, 3_500) {
            s.text("value", "");
        }
    });
    field(s, 21, "Fjöldi véla", "Number", world, newer, |s| {
        if draw.chance(586, 5_000) {
            s.num("value", Decimal::whole(draw.below(587, 250) as i64));
        }
    });
    field(s, 22, "Sjálfvirk endurnýjun", "Checkbox", world, newer, |s| s.flag("value", draw.chance(588, 5_000)));
    field(s, 23, "Endurskoðun", "Date", world, newer, |s| {
        if draw.chance(589, 3_000) {
            s.time("value", (LAST_DAY + draw.below(590, 300) as i64) * DAY);
        }
    });
    s.end_list();
}

fn field<S: Shape>(
    s: &mut S,
    id: i64,
    caption: &str,
    kind: &str,
    world: &World,
    newer: bool,
    value: impl FnOnce(&mut S),
) {
    if !s.item() {
        return;
    }
    s.int("id", id);
    s.text("caption", caption);
    s.text("type", kind);
    s.text("entryMethod", if kind == "Date" { "Date" } else { "EntryField" });
    s.int("numberOfDecimals", 0);
    value(s);
    s.made("connectWiseId", |o| names::guid(o, world.draw_other(7, id as u64), 1));
    if newer {
        s.int("rowNum", id);
        s.int("podId", 7);
    }
    s.leave();
}
