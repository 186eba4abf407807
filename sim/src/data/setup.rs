//! Set-up tables: the records that other rows refer to, by the path of their list.

use super::custom::DEFINITIONS;
use super::own::desk;
use super::refs::{BILLING_TERMS, DEPARTMENTS, LOCATIONS, SetUp, TAX_CODES};
use super::{agreement, company, expense, invoice, time_entry};

pub(super) const BOARDS: [SetUp; 4] = [(1, "Þjónustuborð"), (2, "Rekstur"), (3, "Verkefni "), (4, "Hugbúnaður")];
const PRIORITIES: [SetUp; 4] =
    [(1, "Forgangur 1 - neyð"), (3, "Forgangur 2"), (4, "Forgangur 3 "), (7, "Engin áætlun")];
const SOURCES: [SetUp; 4] = [(1, "Sími"), (2, "Tölvupóstur "), (3, "Vefgátt"), (5, "Vöktun")];
const PROJECT_STATUSES: [SetUp; 3] = [(1, "01 - Open"), (3, "03 - In progress"), (5, "05 - Closed")];
const OPPORTUNITY_STATUSES: [SetUp; 4] = [(1, "Opið"), (2, "Unnið"), (3, "Tapað"), (4, "Engin ákvörðun ")];
/// Their names are numbers.
const PROBABILITIES: [SetUp; 6] = [(1, "10"), (2, "25"), (3, "50"), (4, "75"), (5, "90"), (6, "100")];
const SCHEDULE_TYPES: [SetUp; 4] = [(3, "Activity"), (4, "Service"), (6, "Company"), (9, "Vacation ")];
const CHARGE_CODES: [SetUp; 12] = [
    (40, "Fundir"),
    (41, "Símenntun "),
    (42, "Sumarfrí"),
    (43, "Veikindi"),
    (44, "Starfsmannamál"),
    (45, "Sala"),
    (46, "Innri kerfi"),
    (47, "Bókhald"),
    (48, "Akstur"),
    (49, "Námskeið"),
    (50, "Fæðingarorlof"),
    (51, "Annað"),
];
pub(super) const CATALOG: [SetUp; 8] = [
    (5, "Fartölva 14\""),
    (6, "Skjár 27\" "),
    (7, "Office 365 E3 - mánuður"),
    (8, "Afritun - 1 TB"),
    (9, "Netbúnaður - uppsetning"),
    (10, "Leyfi - bókhaldskerfi"),
    (11, "Pakki: nýr starfsmaður"),
    (12, "Ýmislegt"),
];
const SLAS: [SetUp; 3] = [(1, "Almennt"), (2, "Gull "), (4, "Rekstur")];
const CALENDARS: [SetUp; 2] = [(1, "Skrifstofutími"), (2, "US office")];
const HOLIDAY_LISTS: [SetUp; 2] = [(1, "Ísland"), (3, "United States ")];
const TEAMS: [SetUp; 4] =
    [(10, "Þjónustuborð"), (11, "Kerfisrekstur"), (12, "Hugbúnaðarteymi "), (14, "Vettvangsþjónusta")];
const SURVEYS: [SetUp; 2] = [(1, "Ánægjukönnun"), (2, "Árleg könnun ")];
const CATEGORIES: [SetUp; 4] = [(1, "Vélbúnaður"), (2, "Hugbúnaður "), (3, "Skýjaþjónusta"), (5, "Þjónusta")];
const SUBCATEGORIES: [SetUp; 7] = [
    (1, "Fartölvur"),
    (2, "Skjáir"),
    (3, "Netbúnaður "),
    (4, "Leyfi"),
    (6, "Áskriftir"),
    (7, "Afritun"),
    (9, "Uppsetning"),
];
/// The category of each.
const CATEGORY_OF: [u64; 7] = [0, 0, 0, 1, 2, 2, 3];
const MANUFACTURERS: [SetUp; 6] =
    [(1, "Lenovo"), (2, "Dell "), (3, "Microsoft"), (5, "Veeam"), (6, "Cisco Systems"), (8, "Annað")];
const WAREHOUSES: [SetUp; 2] = [(1, "Aðallager"), (2, "Bíll 1 ")];
const BINS: [SetUp; 3] = [(1, "A-01"), (2, "A-02"), (4, "Bíll 1")];

/// The list paths and their records.
pub(super) const TABLES: [(&str, &[SetUp]); 41] = [
    ("/service/SLAs", &SLAS),
    ("/schedule/calendars", &CALENDARS),
    ("/schedule/holidayLists", &HOLIDAY_LISTS),
    ("/service/teams", &TEAMS),
    ("/service/surveys", &SURVEYS),
    ("/procurement/categories", &CATEGORIES),
    ("/procurement/subcategories", &SUBCATEGORIES),
    ("/procurement/manufacturers", &MANUFACTURERS),
    ("/procurement/warehouses", &WAREHOUSES),
    ("/procurement/warehouseBins", &BINS),
    ("/system/locations", &LOCATIONS),
    ("/system/departments", &DEPARTMENTS),
    ("/finance/taxCodes", &TAX_CODES),
    ("/finance/billingTerms", &BILLING_TERMS),
    ("/finance/agreements/types", &agreement::TYPES),
    ("/finance/billingCycles", &agreement::CYCLES),
    ("/finance/billingStatuses", &invoice::STATUSES),
    ("/finance/currencies", &[(3, "US Dollar"), (27, "Íslensk króna")]),
    ("/company/companies/statuses", &company::STATUSES),
    ("/company/companies/types", &company::TYPES),
    ("/company/marketDescriptions", &[(3, "Sjávarútvegur"), (4, "Ferðaþjónusta")]),
    ("/company/countries", &[(1, "United States"), (17, "Ísland")]),
    ("/expense/types", &expense::TYPES),
    ("/expense/paymentTypes", &expense::METHODS),
    ("/expense/classifications", &[(1, "Almennt")]),
    ("/system/members/types", &[(1, "Starfsmaður"), (2, "Verktaki ")]),
    ("/system/timeZoneSetups", &[(29, "GMT")]),
    ("/system/securityroles", &[(63, "Admin"), (64, "Þjónusta ")]),
    ("/time/workRoles", &time_entry::WORK_ROLES),
    ("/time/workTypes", &time_entry::WORK_TYPE_NAMES),
    ("/time/chargeCodes", &CHARGE_CODES),
    ("/procurement/unitOfMeasures", &[(6, "Stykki"), (7, "Klst.")]),
    ("/procurement/catalog", &CATALOG),
    ("/service/boards", &BOARDS),
    ("/service/priorities", &PRIORITIES),
    ("/service/sources", &SOURCES),
    ("/project/statuses", &PROJECT_STATUSES),
    ("/schedule/types", &SCHEDULE_TYPES),
    ("/sales/opportunities/statuses", &OPPORTUNITY_STATUSES),
    ("/sales/probabilities", &PROBABILITIES),
    ("/system/userDefinedFields", &DEFINITIONS),
];

/// A property of a set-up record that means something, besides its name.
pub(super) enum Said {
    Flag(bool),
    Text(&'static str),
    Number(i64),
    /// A reference to a row of the list with this path.
    Row(&'static str, u64),
    /// It isn't there.
    Absent,
}

/// Lists of which a record has all that means something.
pub(super) const WHOLE: [&str; 5] = [
    "/service/SLAs",
    "/schedule/calendars",
    "/service/teams",
    "/procurement/subcategories",
    "/procurement/warehouseBins",
];

/// The value of a property of the set-up record with this path and id, if it means something.
pub(super) fn said(path: &str, id: i64, name: &str) -> Option<Said> {
    Some(match (path, name) {
        ("/finance/billingCycles", "billingOptions") => {
            let mut options = agreement::CYCLES.iter().zip(["Yearly", "Monthly", "Quarterly"]);
            return options.find(|((cycle, _), _)| *cycle == id).map(|(_, option)| Said::Text(option));
        }
        ("/finance/agreements/types", _) => return agreement::type_says(id, name),
        ("/service/SLAs", _) => return sla_says(id, name),
        ("/schedule/calendars", _) => return calendar_says(id, name),
        ("/service/teams", "location") => Said::Row("/system/locations", place_in(&TEAMS, id)),
        ("/service/teams", "department") => Said::Row("/system/departments", place_in(&TEAMS, id)),
        ("/procurement/subcategories", "category") => {
            Said::Row("/procurement/categories", CATEGORY_OF[place_in(&SUBCATEGORIES, id) as usize])
        }
        ("/procurement/warehouseBins", "warehouse") => {
            Said::Row("/procurement/warehouses", desk::warehouse_of(place_in(&BINS, id)))
        }
        ("/sales/probabilities", "probability") => {
            let (_, name) = PROBABILITIES.iter().find(|(one, _)| *one == id)?;
            return name.parse().ok().map(Said::Number);
        }
        ("/sales/opportunities/statuses", "wonFlag") => Said::Flag(id == 2),
        ("/sales/opportunities/statuses", "lostFlag") => Said::Flag(id == 3),
        ("/sales/opportunities/statuses", "closedFlag") => Said::Flag((2..=4).contains(&id)),
        ("/sales/opportunities/statuses", "inactiveFlag") => Said::Flag(false),
        ("/sales/opportunities/statuses", "defaultFlag") => Said::Flag(id == 1),
        _ => return None,
    })
}

/// The place of a record in its table, and the first one where it is of later.
fn place_in(table: &[SetUp], id: i64) -> u64 {
    table.iter().position(|(one, _)| *one == id).unwrap_or(0) as u64
}

/// The percentage of a row of the probabilities.
pub(super) fn probability(slot: u64) -> Option<i64> {
    PROBABILITIES.get(usize::try_from(slot).ok()?)?.1.parse().ok()
}

/// Targets of tickets that have no priority of the SLA. Clocks go by the calendar of the provider.
fn sla_says(id: i64, property: &str) -> Option<Said> {
    Some(match property {
        "basedOn" => Said::Text("MyCalendar"),
        "customCalendar" => Said::Absent,
        "respondHours" => Said::Number(4),
        "planWithin" => Said::Number(8),
        "resolutionHours" => Said::Number(54),
        "respondPercent" | "planWithinPercent" | "resolutionPercent" => Said::Number(90),
        "applicationOrder" => Said::Number(id),
        "defaultFlag" => Said::Flag(id == 1),
        _ => return None,
    })
}

/// Open from eight to five on working days.
fn calendar_says(id: i64, property: &str) -> Option<Said> {
    let is_weekend = property.starts_with("saturday") || property.starts_with("sunday");
    Some(match property {
        "holidayList" => Said::Row("/schedule/holidayLists", place_in(&CALENDARS, id)),
        _ if is_weekend => Said::Absent,
        _ if property.ends_with("StartTime") => Said::Text("08:00:00"),
        _ if property.ends_with("EndTime") => Said::Text("17:00:00"),
        _ => return None,
    })
}

/// What every board has below it.
pub(super) const BOARD_STATUSES: [&str; 5] = ["Nýtt", "In Progress", "Bíður viðskiptavinar ", ">Lokið", ">Closed"];
pub(super) const BOARD_TYPES: [&str; 3] = ["Beiðni", "Bilun", "Breyting"];
