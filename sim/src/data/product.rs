//! Product items.

use super::names::{self, href};
use super::refs;
use super::shape::{Decimal, Shape};
use super::work::{Charge, Work};
use super::world::{self, NOW, Row, World};
use super::{agreement, invoice};
use crate::calendar::DAY;
use crate::kind::Kind;

/// Catalogue: name, price, cost, class.
const CATALOG: [(&str, i64, i64, &str); 8] = [
    ("Fartölva 14\"", 189_900, 151_000, "Inventory"),
    ("Skjár 27\" ", 54_900, 41_200, "Inventory"),
    ("Office 365 E3 - mánuður", 4_150, 3_520, "Agreement"),
    ("Afritun - 1 TB", 2_900, 0, "Service"),
    ("Netbúnaður - uppsetning", 39_000, 12_000, "NonInventory"),
    ("Leyfi - bókhaldskerfi", 12_990, 9_900, "NonInventory"),
    ("Pakki: nýr starfsmaður", 249_000, 201_300, "Bundle"),
    ("Ýmislegt", 0, 0, "Service"),
];

pub(crate) fn last_updated(world: &World, row: Row) -> i64 {
    let work = Work::of(world, Kind::ProductItem, row);
    match (row, work.invoice) {
        (Row { edited: 1.., .. }, _) => world::touched(work.draw, row.edited),
        (Row { born: 1.., .. }, _) => world::touched(work.draw, row.born),
        (_, Some(invoice)) => world.invoice_made(invoice),
        _ => (work.day * DAY + 15 * 3600 + work.draw.below(451, 20 * DAY as u64) as i64).min(NOW),
    }
}

pub(crate) fn shape(world: &World, row: Row, s: &mut impl Shape) {
    let work = Work::of(world, Kind::ProductItem, row);
    let draw = work.draw;
    let item = draw.below(460, CATALOG.len() as u64);
    let (name, price, cost, class) = CATALOG[item as usize];
    let cancelled = draw.chance(461, 400);
    s.int("id", world.id(Kind::ProductItem, row.slot));
    if s.enter("catalogItem") {
        s.int("id", 5 + item as i64);
        s.text("identifier", name);
        if s.enter("_info") {
            // A number, and yet text.
            s.text("typeId", "2");
            s.made("catalog_href", |o| href(o, "procurement/catalog/", 5 + item as i64));
            s.leave();
        }
        s.leave();
    }
    s.text("description", name);
    s.num("sequenceNumber", Decimal::whole(1 + draw.below(462, 5) as i64));
    money(s, row, &work, price, cost);
    s.text("priceMethod", "FlatRateForRange");
    s.text("billableOption", if work.billable == "NoDefault" { "Billable" } else { work.billable });
    s.int("locationId", draw.pick(30, &refs::LOCATIONS).0);
    refs::location(s, draw);
    s.int("businessUnitId", draw.pick(31, &refs::DEPARTMENTS).0);
    refs::department(s, "businessUnit", draw);
    s.text("vendorSku", draw.pick(463, &["", "", "NB-14-2025", "LIC/E3 "]));
    s.flag("taxableFlag", draw.chance(464, 8_000));
    s.flag("dropshipFlag", false);
    s.flag("specialOrderFlag", draw.chance(465, 500));
    s.flag("phaseProductFlag", work.charge == Charge::ProjectTicket);
    s.flag("cancelledFlag", cancelled);
    s.num("quantityCancelled", if cancelled { Decimal::whole(1) } else { Decimal::ZERO });
    if cancelled {
        s.text("cancelledReason", "Hætt við");
    }
    s.made("customerDescription", |o| names::prose(o, draw, 1_000, 1));
    if draw.chance(466, 1_500) || row.edited > 0 {
        s.made("internalNotes", |o| {
            names::prose(o, draw, 2_000, 1);
            if row.edited > 0 {
                o.push_str(" Leiðrétt ");
                names::number(o, i64::from(row.version()));
            }
        });
    }
    s.flag("productSuppliedFlag", false);
    s.num("subContractorAmountLimit", Decimal::ZERO);
    owner(s, world, &work);
    s.flag("calculatedPriceFlag", draw.chance(467, 1_000));
    s.flag("calculatedCostFlag", draw.chance(468, 1_000));
    if cancelled {
        s.int("cancelledBy", world.link_id(Kind::Member, work.member));
        s.time("cancelledDate", work.day * DAY + 15 * 3600 + 1_310);
    }
    refs::tax_code(s, draw);
    s.num("listPrice", Decimal::whole(price));
    refs::company(s, "company", world, work.company);
    s.text("productClass", class);
    s.flag("needToPurchaseFlag", class == "Inventory" && draw.chance(469, 1_000));
    s.flag("minimumStockFlag", false);
    s.flag("poApprovedFlag", draw.chance(470, 3_000));
    s.text("uom", "Stykki");
    if draw.chance(471, 100) && s.enter("asioProduct") {
        s.int("id", 7);
        s.text("name", "RMM");
        s.leave();
    }
    if s.enter("_info") {
        s.time("lastUpdated", last_updated(world, row));
        s.made("updatedBy", |o| refs::member_identifier(o, draw, 150));
        s.leave();
    }
}

/// The price, which an edit may raise, and how many halves of it: they occur for services by the half day.
fn priced(work: &Work, row: Row, price: i64) -> (i64, i64) {
    let price = price + 100 * i64::from(work.priced(row).version() % 6);
    let pieces = if price < 5_000 { 2 + work.draw.below(472, 120) } else { 2 * (1 + work.draw.below(472, 4)) };
    (price, pieces as i64)
}

/// What the item adds to its invoice.
pub(super) fn amount(work: &Work, row: Row) -> Decimal {
    let (_, price, _, _) = CATALOG[work.draw.below(460, CATALOG.len() as u64) as usize];
    let (price, halves) = priced(work, row, price);
    Decimal(halves * price * 5_000)
}

fn money(s: &mut impl Shape, row: Row, work: &Work, price: i64, cost: i64) {
    let draw = work.draw;
    let (price, halves) = priced(work, row, price);
    s.num("quantity", Decimal(halves * 5_000));
    refs::set_up(s, "unitOfMeasure", (6, "Stykki"), "uom_href", "procurement/unitOfMeasures/");
    s.num("price", Decimal::whole(price));
    s.num("cost", Decimal::whole(cost));
    s.num("extPrice", Decimal(halves * price * 5_000));
    s.num("extCost", Decimal(halves * cost * 5_000));
    if draw.chance(473, 1_500) {
        s.num("discount", Decimal::whole(price / 10));
    }
    s.num("margin", Decimal(halves * (price - cost) * 5_000));
    s.num("agreementAmount", Decimal::ZERO);
    if draw.chance(474, 3_000) {
        s.num("calculatedPrice", Decimal::whole(price));
        s.num("calculatedCost", Decimal::whole(cost));
    }
}

/// What a product hangs on: an agreement, a ticket, a project, or an opportunity.
fn owner(s: &mut impl Shape, world: &World, work: &Work) {
    if let Some(slot) = work.agreement {
        agreement::reference(s, "agreement", world, slot);
    }
    if work.has_ticket() {
        refs::ticket(s, world, work.ticket());
    }
    if work.charge == Charge::ProjectTicket {
        refs::project(s, world, work.project());
        refs::phase(s, world, work.project(), work.phase());
    }
    // What is neither for a ticket nor for a project was offered.
    if !work.has_ticket() {
        let id = 3 + work.draw.below(475, world.opportunities());
        let named = |o: &mut String| names::title(o, world.draw_other(8, id), 200, 3);
        refs::named(s, "opportunity", id as i64, named, "opportunity_href", "sales/opportunities/");
        s.int("forecastDetailId", 5 + id as i64);
    }
    if let Some(slot) = work.invoice {
        invoice::reference(s, world, slot);
    }
    if work.draw.chance(476, 9_000) {
        s.time("purchaseDate", work.day * DAY);
    }
}
