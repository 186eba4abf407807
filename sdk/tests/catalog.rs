//! The generated catalogue against what the interface document and gold's needs say.

#![cfg(feature = "lake")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use connectwise_sdk::catalog::{Column, Entity, Kind, Load, Meaning, Parent, Window};
use connectwise_sdk::lake::{ENTITIES, entity};

fn column<'a>(columns: &'a [Column], name: &str) -> &'a Column {
    columns.iter().find(|column| column.name == name).unwrap_or_else(|| panic!("no column {name}"))
}

fn fields(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Struct(columns) | Kind::List(&Kind::Struct(columns)) => columns,
        other => panic!("{other:?} has no columns"),
    }
}

#[track_caller]
fn is(entity: &Entity, path: &str, kind: Kind, meaning: Meaning) {
    let (mut columns, mut steps) = (entity.columns, path.split('/').peekable());
    while let Some(step) = steps.next() {
        let found = column(columns, step);
        if steps.peek().is_some() {
            columns = fields(found.kind);
        } else {
            assert_eq!((found.kind, found.meaning), (kind, meaning), "{}/{path}", entity.name);
        }
    }
}

#[test]
fn entities_with_their_paths() {
    let expected = [
        ("TimeEntry", "timeentry", "/time/entries"),
        ("Agreement", "agreement", "/finance/agreements"),
        ("Company", "company", "/company/companies"),
        ("ExpenseEntry", "expenseentry", "/expense/entries"),
        ("ProductItem", "productitem", "/procurement/products"),
        ("Invoice", "invoice", "/finance/invoices"),
        ("Member", "member", "/system/members"),
        ("UnpostedInvoice", "unpostedinvoice", "/finance/accounting/unpostedinvoices"),
        // One schema at its own name, and two under names that are clearer.
        ("ProjectTicket", "projectticket", "/project/tickets"),
        ("ServiceTicket", "serviceticket", "/service/tickets"),
        ("Configuration", "configuration", "/company/configurations"),
    ];
    for (name, table, path) in expected {
        let found = entity(name).unwrap();
        assert_eq!((found.name, found.table, found.path), (name, table, path));
    }
    for entity in ENTITIES {
        assert_eq!(entity.key, "id");
        // The interface document has no count of an invoice's payments.
        let counted = Some(format!("{}/count", entity.path.trim_end_matches('/')));
        let counted = counted.filter(|_| entity.name != "InvoicePayment");
        assert_eq!(entity.count_path, counted.as_deref(), "{}", entity.name);
        assert!(entity.columns.is_sorted_by_key(|column| column.name), "{}", entity.name);
    }
    let widths: Vec<_> = ENTITIES.iter().take(8).map(|entity| entity.columns.len()).collect();
    assert_eq!(widths, [62, 82, 71, 31, 78, 78, 126, 51]);
}

#[test]
fn how_tables_are_kept_fresh() {
    let window = |name: &str| match entity(name).unwrap().load {
        Load::Incremental { watermark, windows } => {
            assert_eq!(watermark, "_info/lastUpdated");
            windows.to_vec()
        }
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(window("TimeEntry"), [Window { field: "dateEntered", days: 30 }]);
    assert_eq!(window("Agreement"), [Window { field: "endDate", days: 90 }, Window { field: "startDate", days: 90 }]);
    assert_eq!(window("Member"), []);
    assert_eq!(entity("unpostedinvoice").unwrap().load, Load::Snapshot);
    assert_eq!(window("Order"), [Window { field: "orderDate", days: 90 }]);
    // Their change time can be missing, so that no condition on it finds every row.
    for name in ["ScheduleEntry", "Activity", "Board", "UserDefinedField"] {
        assert_eq!(entity(name).unwrap().load, Load::Snapshot, "{name}");
    }
    assert!(entity("Ticket").is_none());
}

#[test]
fn lists_that_hang_on_rows() {
    // As the interface document has them; what bundles call a list is its schema in lower case.
    let expected = [
        ("OpportunityForecast", "/sales/opportunities/{parentId}/forecast", "Opportunity", "forecast"),
        ("AgreementAddition", "/finance/agreements/{parentId}/additions", "Agreement", "addition"),
        ("AgreementAdjustment", "/finance/agreements/{parentId}/adjustments", "Agreement", "adjustment"),
        ("InvoicePayment", "/finance/invoices/{parentId}/payments", "Invoice", "invoicepayment"),
        ("ServiceNote", "/service/tickets/{parentId}/notes", "ServiceTicket", "servicenote"),
        ("ServiceTask", "/service/tickets/{parentId}/tasks", "ServiceTicket", "servicetask"),
        ("TicketNote", "/project/tickets/{parentId}/notes", "ProjectTicket", "ticketnote"),
        ("TicketTask", "/project/tickets/{parentId}/tasks", "ProjectTicket", "tickettask"),
        ("ProjectPhase", "/project/projects/{parentId}/phases", "Project", "projectphase"),
        (
            "PurchaseOrderLineItem",
            "/procurement/purchaseorders/{parentId}/lineitems",
            "PurchaseOrder",
            "purchaseorderlineitem",
        ),
        ("CompanySite", "/company/companies/{parentId}/sites", "Company", "companysite"),
        ("BoardStatus", "/service/boards/{parentId}/statuses", "Board", "boardstatus"),
        ("BoardType", "/service/boards/{parentId}/types", "Board", "boardtype"),
        ("BoardSubType", "/service/boards/{parentId}/subtypes", "Board", "boardsubtype"),
        ("BoardItem", "/service/boards/{parentId}/items", "Board", "boarditem"),
        ("SLAPriority", "/service/SLAs/{parentId}/priorities", "SLA", "slapriority"),
        ("Holiday", "/schedule/holidayLists/{parentId}/holidays", "HolidayList", "holiday"),
        ("SurveyResult", "/service/surveys/{parentId}/results", "ServiceSurvey", "surveyresult"),
        ("InventoryOnHand", "/procurement/warehouseBins/{parentId}/inventoryOnHand", "WarehouseBin", "inventoryonhand"),
    ];
    let hanging: Vec<_> = ENTITIES.iter().filter_map(|entity| Some((entity, entity.parent()?))).collect();
    let found: Vec<_> =
        hanging.iter().map(|(own, parent)| (own.name, own.path, parent.entity, parent.bundle)).collect();
    assert_eq!(found, expected);
    for (child, Parent { entity: parent, runs, .. }) in hanging {
        // Read after their parents, so that what is there already is known.
        let place = |name: &str| ENTITIES.iter().position(|entity| entity.name == name).unwrap();
        assert!(place(parent) < place(child.name), "{}", child.name);
        assert!(*runs >= 1 && entity(parent).unwrap().parent().is_none(), "{}", child.name);
    }
}

/// Columns at any depth, with the entity and the path, each list of columns in order.
fn walk(columns: &'static [Column], prefix: &str, seen: &mut dyn FnMut(&str, &[Column])) {
    seen(prefix, columns);
    for column in columns {
        let mut kind = column.kind;
        while let Kind::List(element) = kind {
            kind = *element;
        }
        if let Kind::Struct(nested) = kind {
            walk(nested, &format!("{prefix}/{}", column.name), seen);
        }
    }
}

#[test]
fn no_two_columns_differ_only_in_case() {
    for entity in ENTITIES {
        walk(entity.columns, entity.name, &mut |path, columns| {
            let mut names: Vec<_> = columns.iter().map(|column| column.name.to_lowercase()).collect();
            names.sort();
            names.dedup();
            assert_eq!(names.len(), columns.len(), "{path}");
        });
    }
}

#[test]
fn money_and_secrets_have_their_meaning_wherever_they_stand() {
    const MONEY: [&str; 7] = ["amount", "price", "cost", "revenue", "rate", "hours", "total"];
    for entity in ENTITIES {
        walk(entity.columns, entity.name, &mut |path, columns| {
            for column in columns {
                let name = column.name.to_lowercase();
                if column.kind == Kind::Double && MONEY.iter().any(|word| name.contains(word)) {
                    assert_eq!(column.meaning, Meaning::Decimal, "{path}/{name}");
                }
                if column.kind == Kind::Utf8 && name.contains("password") {
                    assert_eq!(column.meaning, Meaning::Secret, "{path}/{name}");
                }
            }
        });
    }
}

#[test]
fn columns_of_a_ticket() {
    let ticket = entity("ServiceTicket").unwrap();
    is(ticket, "closedDate", Kind::Utf8, Meaning::Instant);
    is(ticket, "requiredDate", Kind::Timestamp, Meaning::Date);
    is(ticket, "billingAmount", Kind::Double, Meaning::Decimal);
    is(ticket, "contactEmailAddress", Kind::Utf8, Meaning::Personal);
    is(ticket, "escalationLevel", Kind::Int32, Meaning::Plain);
    is(entity("Contact").unwrap(), "portalPassword", Kind::Utf8, Meaning::Secret);
    is(entity("TaxCode").unwrap(), "levelOneTaxableMax", Kind::Double, Meaning::Decimal);
}

#[test]
fn columns_of_a_time_entry() {
    let entry = entity("TimeEntry").unwrap();
    is(entry, "id", Kind::Int32, Meaning::Plain);
    is(entry, "_info", Kind::StringMap, Meaning::Plain);
    is(entry, "hourlyCost", Kind::Utf8, Meaning::Decimal);
    is(entry, "actualHours", Kind::Double, Meaning::Decimal);
    is(entry, "hoursDeduct", Kind::Double, Meaning::Decimal);
    is(entry, "hourlyRate", Kind::Double, Meaning::Decimal);
    is(entry, "timeStart", Kind::Timestamp, Meaning::Plain);
    is(entry, "dateEntered", Kind::Timestamp, Meaning::Plain);
    is(entry, "billableOption", Kind::Utf8, Meaning::Plain);
    is(entry, "mobileGuid", Kind::Utf8, Meaning::Plain);
    is(entry, "emailCcFlag", Kind::Boolean, Meaning::Plain);
    is(entry, "invoiceReady", Kind::Int32, Meaning::Plain);
    is(entry, "member/id", Kind::Int32, Meaning::Plain);
    is(entry, "member/dailyCapacity", Kind::Double, Meaning::Decimal);
    is(entry, "member/_info", Kind::StringMap, Meaning::Plain);
    is(entry, "invoice/invoiceDate", Kind::Utf8, Meaning::Date);
    is(entry, "customFields/value", Kind::Json, Meaning::Plain);
    is(entry, "customFields/type", Kind::Utf8, Meaning::Plain);
    assert!(matches!(column(entry.columns, "customFields").kind, Kind::List(&Kind::Struct(_))));
    assert!(matches!(column(entry.columns, "member").kind, Kind::Struct(_)));
}

#[test]
fn meanings_that_the_document_does_not_say() {
    let agreement = entity("Agreement").unwrap();
    is(agreement, "nextInvoiceDate", Kind::Utf8, Meaning::Date);
    is(agreement, "endDate", Kind::Timestamp, Meaning::Date);
    is(agreement, "limit", Kind::Int32, Meaning::Plain);
    is(agreement, "employeeCompRate", Kind::Utf8, Meaning::Plain);
    let unposted = entity("UnpostedInvoice").unwrap();
    is(unposted, "invoiceDate", Kind::Utf8, Meaning::Date);
    is(unposted, "dateClosed", Kind::Utf8, Meaning::Instant);
    is(unposted, "subTotal", Kind::Double, Meaning::Decimal);
    let member = entity("Member").unwrap();
    is(member, "password", Kind::Utf8, Meaning::Secret);
    is(member, "token", Kind::Utf8, Meaning::Secret);
    is(member, "homeEmail", Kind::Utf8, Meaning::Personal);
    is(member, "teams", Kind::List(&Kind::Int32), Meaning::Plain);
    is(entity("Company").unwrap(), "integratorTags", Kind::List(&Kind::Utf8), Meaning::Plain);
    is(entity("ExpenseEntry").unwrap(), "taxes/amount", Kind::Double, Meaning::Decimal);
    is(entity("ProductItem").unwrap(), "recurring/recurringCost", Kind::Double, Meaning::Decimal);
}
