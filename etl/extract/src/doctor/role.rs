//! Which right of a security role opens which list, in the words of the security role screen.

use serde::Serialize;

/// A right: it has to be Inquire = All, or rows are missing without a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Right {
    /// Module of the security role.
    pub module: &'static str,
    /// Permission within it.
    pub permission: &'static str,
}

const fn right(module: &'static str, permission: &'static str) -> Right {
    Right { module, permission }
}

const TABLE_SETUP: Right = right("System", "Table Setup");

/// The longest prefix of a path counts. Releases move rights now and then; what follows is where to look first.
const RIGHTS: [(&str, Right); 46] = [
    ("/company", TABLE_SETUP),
    ("/company/companies", right("Companies", "Company Maintenance")),
    ("/company/companies/statuses", TABLE_SETUP),
    ("/company/companies/types", TABLE_SETUP),
    ("/company/companyTypeAssociations", right("Companies", "Company Maintenance")),
    ("/company/configurations", right("Companies", "Configurations")),
    ("/company/configurations/statuses", TABLE_SETUP),
    ("/company/configurations/types", TABLE_SETUP),
    ("/company/contacts", right("Companies", "Contacts")),
    ("/company/contacts/types", TABLE_SETUP),
    ("/expense", TABLE_SETUP),
    ("/expense/entries", right("Time & Expense", "Expense Reporting")),
    ("/expense/reports", right("Time & Expense", "Expense Reporting")),
    ("/finance", TABLE_SETUP),
    ("/finance/accounting", right("Finance", "Accounting Interface")),
    ("/finance/agreements", right("Finance", "Agreements")),
    ("/finance/agreements/types", TABLE_SETUP),
    ("/finance/invoices", right("Finance", "Invoicing")),
    ("/procurement", TABLE_SETUP),
    ("/procurement/catalog", right("Procurement", "Product Catalog")),
    ("/procurement/products", right("Procurement", "Products")),
    ("/procurement/purchaseorders", right("Procurement", "Purchase Orders")),
    ("/procurement/warehouseBins", right("Procurement", "Inventory")),
    ("/procurement/warehouses", right("Procurement", "Inventory")),
    ("/project", TABLE_SETUP),
    ("/project/projects", right("Project", "Project Headers")),
    ("/project/projects/{", right("Project", "Project Phase")),
    ("/project/tickets", right("Project", "Project Tickets")),
    ("/sales", TABLE_SETUP),
    ("/sales/activities", right("Sales", "Sales Activities")),
    ("/sales/activities/statuses", TABLE_SETUP),
    ("/sales/activities/types", TABLE_SETUP),
    ("/sales/opportunities", right("Sales", "Opportunity and Closed Opportunity")),
    ("/sales/opportunities/statuses", TABLE_SETUP),
    ("/sales/opportunities/types", TABLE_SETUP),
    ("/sales/orders", right("Sales", "Sales Orders")),
    ("/sales/orders/statuses", TABLE_SETUP),
    ("/schedule", TABLE_SETUP),
    ("/schedule/entries", right("Service Desk", "Resource Scheduling")),
    ("/service", TABLE_SETUP),
    ("/service/tickets", right("Service Desk", "Service Tickets and Close Service Tickets")),
    ("/system", TABLE_SETUP),
    ("/system/departments", right("System", "My Company")),
    ("/system/locations", right("System", "My Company")),
    ("/system/members", right("System", "Member Maintenance")),
    ("/system/members/types", TABLE_SETUP),
];

/// The right that opens a list.
pub(super) fn of(path: &str) -> Option<Right> {
    if path.starts_with("/time") {
        let own = path.starts_with("/time/entries") || path.starts_with("/time/sheets");
        return Some(if own {
            right("Time & Expense", "Time Reporting, and Finance: Billing View Time")
        } else {
            TABLE_SETUP
        });
    }
    // A step ends where the prefix does: /sales/orders is no prefix of /sales/ordersets.
    let leads = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('{'))
    };
    RIGHTS.iter().filter(|(prefix, _)| leads(prefix)).max_by_key(|(prefix, _)| prefix.len()).map(|(_, right)| *right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entity_has_a_right_and_the_longest_prefix_counts() {
        for entity in crate::catalog::entities() {
            assert!(of(entity.path).is_some(), "{}", entity.path);
        }
        let told = |path: &str| of(path).map(|right| format!("{}: {}", right.module, right.permission));
        assert_eq!(told("/finance/agreements").as_deref(), Some("Finance: Agreements"));
        assert_eq!(told("/finance/agreements/types").as_deref(), Some("System: Table Setup"));
        assert_eq!(told("/finance/agreements/{parentId}/additions").as_deref(), Some("Finance: Agreements"));
        assert_eq!(told("/procurement/purchaseorderstatuses").as_deref(), Some("System: Table Setup"));
        assert_eq!(told("/system/members").as_deref(), Some("System: Member Maintenance"));
        assert_eq!(told("/nowhere"), None);
    }
}
