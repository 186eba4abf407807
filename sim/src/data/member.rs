//! Members: the provider's people.

use super::names::{self, href};
use super::refs;
use super::shape::{Decimal, Shape};
use super::world::{self, FIRST_DAY, Link, MASS_IMPORT, MASS_UPDATE, NOW, Row, World};
use crate::calendar::DAY;
use crate::kind::Kind;

pub(crate) fn last_updated(world: &World, row: Row) -> i64 {
    let draw = world.draw(Kind::Member, row.slot);
    match row {
        Row { edited: 1.., .. } => world::touched(draw, row.edited),
        Row { born: 1.., .. } => world::touched(draw, row.born),
        _ if draw.chance(801, 3_000) => MASS_UPDATE,
        _ => MASS_IMPORT + draw.below(802, (NOW - MASS_IMPORT) as u64) as i64,
    }
}

pub(crate) fn shape(world: &World, row: Row, s: &mut impl Shape) {
    let draw = world.draw(Kind::Member, row.slot);
    let id = world.id(Kind::Member, row.slot);
    // Those who came later have no work yet.
    let (first, last) = if row.born > 0 { (Some(world::advance_day(row.born)), None) } else { world.tenure(row.slot) };
    let inactive = last.is_some();
    let hired = first.unwrap_or_else(|| FIRST_DAY - 60 - draw.below(804, 2_500) as i64);
    s.int("id", id);
    s.made("identifier", |o| refs::member_identifier(o, draw, id));
    s.text("firstName", names::first_name(draw));
    if draw.chance(53, 4_000) {
        s.made("middleInitial", |o| o.push(char::from(b'A' + draw.below(54, 20) as u8)));
    }
    // Even a field that the interface requires can be missing.
    if !draw.chance(805, 200) {
        s.text("lastName", names::last_name(draw));
    }
    s.text(
        "title",
        if row.edited > 0 {
            "Deildarstjóri"
        } else {
            draw.pick(806, &["Tæknimaður", "Sérfræðingur ", "Forritari", ""])
        },
    );
    s.text("licenseClass", draw.pick(807, &["F", "F", "X", "A"]));
    s.flag("disableOnlineFlag", inactive);
    s.made("officeEmail", |o| {
        refs::member_identifier(o, draw, id);
        o.push_str("@example.com");
    });
    s.text("officePhone", "5550100");
    if draw.chance(808, 7_000) {
        s.made("mobilePhone", |o| names::digits(o, draw, 809, 7));
    }
    s.text("defaultEmail", "Office");
    s.text("defaultPhone", draw.pick(810, &["Office", "Mobile"]));
    refs::set_up(s, "type", (1, "Starfsmaður"), "type_href", "system/members/types/");
    refs::set_up(s, "timeZone", (29, "GMT"), "timeZone_href", "system/timeZoneSetups/");
    refs::set_up(
        s,
        "securityRole",
        draw.pick(811, &[(63, "Admin"), (64, "Þjónusta ")]),
        "securityRole_href",
        "system/securityRoles/",
    );
    refs::set_up(s, "structureLevel", (1, "Corporate"), "structure_href", "system/myCompany/corporateStructure/");
    refs::set_up(s, "defaultLocation", draw.pick(30, &refs::LOCATIONS), "location_href", "system/locations/");
    refs::department(s, "defaultDepartment", draw);
    refs::set_up(s, "workRole", (12, "Tæknimaður"), "workRole_href", "time/workRoles/");
    refs::set_up(s, "workType", (3, "Regular"), "workType_href", "time/workTypes/");
    if row.slot > 0 {
        let above = Link { slot: row.slot.min(world.count(Kind::Member)) / 5, deleted: false };
        refs::member(s, "reportsTo", world, above, false);
        refs::member(s, "timeApprover", world, above, false);
    }
    s.time("hireDate", hired * DAY);
    s.flag("inactiveFlag", inactive);
    if let Some(last) = last {
        s.time("inactiveDate", last * DAY);
    }
    if let Some(capacity) = refs::daily_capacity(draw) {
        s.num("dailyCapacity", capacity);
    }
    let cost = draw.pick(401, &[6_400, 7_200, 8_900, 10_800]) + 250 * i64::from(row.version());
    if !draw.chance(812, 1_000) || row.edited > 0 {
        s.num("hourlyCost", Decimal::whole(cost));
    }
    s.num("hourlyRate", Decimal::whole(draw.pick(813, &[14_900, 18_500, 23_800])));
    s.num("billableForecast", Decimal::whole(65));
    s.num("minimumHours", Decimal::ZERO);
    s.flag("adminFlag", draw.chance(814, 1_000));
    s.flag("enableMobileFlag", true);
    s.flag("includeInUtilizationReportingFlag", true);
    s.flag("requireExpenseEntryFlag", false);
    s.flag("requireTimeSheetEntryFlag", true);
    if s.list("customFields") {
        s.end_list();
    }
    if draw.chance(815, 300) {
        s.made("asioUserId", |o| names::guid(o, draw, 816));
    }
    if s.enter("_info") {
        s.time("lastUpdated", last_updated(world, row));
        s.text("updatedBy", "zAdmin");
        s.made("image_href", |o| {
            href(o, "system/members/", id);
            o.push_str("/image?lm=2025-04-10T09:21:01Z");
        });
        s.leave();
    }
}
