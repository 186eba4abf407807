//! Which lists an ordinary day changes, and how much.

/// A list, and in 10,000 of its rows: those that a day edits, inserts and deletes.
#[derive(Clone, Copy)]
pub(super) struct Busy {
    pub(super) path: &'static str,
    pub(super) edits: u64,
    pub(super) inserts: u64,
    pub(super) deletes: u64,
}

const fn busy(path: &'static str, edits: u64, inserts: u64, deletes: u64) -> Busy {
    Busy { path, edits, inserts, deletes }
}

/// What people work with every day.
pub(super) const BUSY: [Busy; 23] = [
    busy("/time/entries", 40, 14, 3),
    busy("/expense/entries", 25, 12, 8),
    busy("/procurement/products", 20, 10, 4),
    busy("/service/tickets", 60, 12, 2),
    busy("/project/tickets", 30, 4, 2),
    busy("/company/companies", 40, 4, 0),
    busy("/company/contacts", 20, 4, 2),
    busy("/company/configurations", 25, 5, 2),
    busy("/finance/agreements", 30, 3, 1),
    // Each is made unposted.
    busy("/finance/invoices", 20, 25, 0),
    busy("/finance/accounting/unpostedinvoices", 0, 0, 0),
    busy("/project/projects", 30, 3, 1),
    busy("/sales/opportunities", 20, 4, 1),
    busy("/sales/activities", 8, 4, 2),
    busy("/sales/orders", 60, 20, 4),
    busy("/schedule/entries", 30, 20, 6),
    busy("/schedule/details", 30, 20, 6),
    busy("/procurement/purchaseorders", 60, 20, 4),
    busy("/procurement/catalog", 60, 15, 3),
    busy("/time/sheets", 20, 13, 1),
    busy("/expense/reports", 15, 13, 1),
    busy("/system/members", 20, 3, 1),
    busy("/company/companyTypeAssociations", 40, 30, 15),
];

/// Set-up tables: an edit about three times a year, and a new record now and then.
pub(super) const SET_UP: [&str; 63] = [
    "/service/boards",
    "/service/teams",
    "/service/priorities",
    "/service/severities",
    "/service/impacts",
    "/service/sources",
    "/service/SLAs",
    "/service/surveys",
    "/company/companies/statuses",
    "/company/companies/types",
    "/company/contacts/types",
    "/company/configurations/statuses",
    "/company/configurations/types",
    "/company/noteTypes",
    "/company/communicationTypes",
    "/company/marketDescriptions",
    "/sales/stages",
    "/sales/probabilities",
    "/sales/opportunities/statuses",
    "/sales/opportunities/types",
    "/sales/opportunities/ratings",
    "/sales/activities/statuses",
    "/sales/activities/types",
    "/sales/orders/statuses",
    "/project/statuses",
    "/project/projectTypes",
    "/project/phaseStatuses",
    "/project/securityRoles",
    "/schedule/types",
    "/schedule/statuses",
    "/schedule/calendars",
    "/schedule/holidayLists",
    "/finance/agreements/types",
    "/finance/billingStatuses",
    "/finance/billingTerms",
    "/finance/billingCycles",
    "/finance/taxCodes",
    "/finance/currencies",
    "/finance/glAccounts",
    "/procurement/categories",
    "/procurement/subcategories",
    "/procurement/types",
    "/procurement/manufacturers",
    "/procurement/unitOfMeasures",
    "/procurement/warehouses",
    "/procurement/warehouseBins",
    "/procurement/purchaseorderstatuses",
    "/time/workRoles",
    "/time/workTypes",
    "/time/chargeCodes",
    "/time/timePeriodSetups",
    "/expense/types",
    "/expense/paymentTypes",
    "/expense/classifications",
    "/system/locations",
    "/system/departments",
    "/system/userDefinedFields",
    "/system/members/types",
    "/system/securityroles",
    "/system/kpis",
    "/marketing/campaigns",
    "/marketing/groups",
    "/company/tracks",
];

/// A list that hangs on rows, and of 10,000 of these: those whose list a day changes.
#[derive(Clone, Copy)]
pub(super) struct Below {
    pub(super) path: &'static str,
    pub(super) parents: u64,
}

const fn below(path: &'static str, parents: u64) -> Below {
    Below { path, parents }
}

/// What hangs on rows.
pub(super) const BELOW: [Below; 32] = [
    below("/finance/agreements/{id}/additions", 150),
    below("/finance/agreements/{id}/adjustments", 20),
    below("/finance/agreements/{id}/workroles", 10),
    below("/finance/agreements/{id}/worktypes", 10),
    below("/service/tickets/{id}/notes", 60),
    below("/service/tickets/{id}/tasks", 30),
    below("/service/tickets/{id}/configurations", 6),
    below("/project/tickets/{id}/notes", 30),
    below("/project/tickets/{id}/tasks", 20),
    below("/project/projects/{id}/phases", 60),
    below("/project/projects/{id}/teamMembers", 20),
    below("/project/projects/{id}/notes", 30),
    below("/procurement/purchaseorders/{id}/lineitems", 300),
    below("/procurement/catalog/{id}/components", 100),
    below("/procurement/products/{id}/components", 10),
    below("/company/companies/{id}/sites", 60),
    below("/company/companies/{id}/teams", 30),
    below("/company/companies/{id}/notes", 30),
    below("/company/contacts/{id}/communications", 20),
    below("/sales/opportunities/{id}/forecast", 60),
    below("/sales/opportunities/{id}/notes", 60),
    below("/sales/opportunities/{id}/team", 30),
    below("/sales/orders/{id}/lineitems", 200),
    below("/schedule/holidayLists/{id}/holidays", 100),
    below("/service/boards/{id}/statuses", 200),
    below("/service/boards/{id}/types", 200),
    below("/service/boards/{id}/subtypes", 200),
    below("/service/boards/{id}/items", 200),
    below("/service/boards/{id}/teams", 100),
    below("/service/SLAs/{id}/priorities", 100),
    // Of the two surveys one or the other is answered every day. Payments come with their invoices.
    below("/service/surveys/{id}/results", 5_000),
    below("/procurement/warehouseBins/{id}/inventoryOnHand", 2_000),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Document, Release, releases};

    #[test]
    fn every_list_that_changes_is_a_list_of_the_document() {
        for release in releases() {
            let document = Document::of(Release::parse(release).unwrap()).unwrap();
            for path in BUSY.iter().map(|busy| busy.path).chain(SET_UP) {
                assert!(document.resource_at(path).is_some_and(|found| found.parents == 0), "{path}");
            }
            for Below { path, .. } in BELOW {
                let found = document.resource_at(path).unwrap_or_else(|| panic!("{path}"));
                assert!(found.parents == 1 && found.parent.is_some() && found.keyed, "{path}");
            }
        }
    }
}
