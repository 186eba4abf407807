//! Set-up tables: the records that other rows refer to, by the path of their list.

use super::custom::DEFINITIONS;
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
const CATALOG: [SetUp; 8] = [
    (5, "Fartölva 14\""),
    (6, "Skjár 27\" "),
    (7, "Office 365 E3 - mánuður"),
    (8, "Afritun - 1 TB"),
    (9, "Netbúnaður - uppsetning"),
    (10, "Leyfi - bókhaldskerfi"),
    (11, "Pakki: nýr starfsmaður"),
    (12, "Ýmislegt"),
];

/// The list paths and their records.
pub(super) const TABLES: [(&str, &[SetUp]); 31] = [
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
}

/// The value of a property of the set-up record with this path and id, if it means something.
pub(super) fn said(path: &str, id: i64, name: &str) -> Option<Said> {
    let flag = match (path, name) {
        ("/finance/billingCycles", "billingOptions") => {
            let mut options = agreement::CYCLES.iter().zip(["Yearly", "Monthly", "Quarterly"]);
            return options.find(|((cycle, _), _)| *cycle == id).map(|(_, option)| Said::Text(option));
        }
        ("/finance/agreements/types", _) => return agreement::type_says(id, name),
        ("/sales/probabilities", "probability") => {
            let (_, name) = PROBABILITIES.iter().find(|(one, _)| *one == id)?;
            return name.parse().ok().map(Said::Number);
        }
        ("/sales/opportunities/statuses", "wonFlag") => id == 2,
        ("/sales/opportunities/statuses", "lostFlag") => id == 3,
        ("/sales/opportunities/statuses", "closedFlag") => (2..=4).contains(&id),
        ("/sales/opportunities/statuses", "inactiveFlag") => false,
        ("/sales/opportunities/statuses", "defaultFlag") => id == 1,
        _ => return None,
    };
    Some(Said::Flag(flag))
}

/// What every board has below it.
pub(super) const BOARD_STATUSES: [&str; 5] = ["Nýtt", "In Progress", "Bíður viðskiptavinar ", ">Lokið", ">Closed"];
pub(super) const BOARD_TYPES: [&str; 3] = ["Beiðni", "Bilun", "Breyting"];
