//! The typed way into a batch (the SDK's feature `arrow`) and bronze's own decoder store the same: what is rebuilt from either is
//! the same JSON, for each entity of the lake.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use chrono::DateTime;
use connectwise_extract::decode::{Decoder, rebuild};
use connectwise_extract::{catalog, contract};
use connectwise_sdk::arrow::{Tabular, batch_to_records, records_to_batch};
use connectwise_sdk::catalog::Entity;
use connectwise_sdk::{Client, Config, Credentials, Page, models};
use connectwise_sim::Simulator;
use futures::TryStreamExt as _;
use serde_json::Value;

/// Lists of one entity that are compared, where each parent has its own.
const LISTS: usize = 20;

/// Compares what both make of a page, and says of how many records.
type Check = fn(&'static Entity, Option<i64>, &Page) -> usize;

const TYPES: &[(&str, Check)] = &[
    ("TimeEntry", check::<models::TimeEntry> as Check),
    ("Agreement", check::<models::Agreement> as Check),
    ("Company", check::<models::Company> as Check),
    ("ExpenseEntry", check::<models::ExpenseEntry> as Check),
    ("ProductItem", check::<models::ProductItem> as Check),
    ("Invoice", check::<models::Invoice> as Check),
    ("Member", check::<models::Member> as Check),
    ("UnpostedInvoice", check::<models::UnpostedInvoice> as Check),
    ("ServiceTicket", check::<models::Ticket> as Check),
    ("ProjectTicket", check::<models::ProjectTicket> as Check),
    ("Project", check::<models::Project> as Check),
    ("ScheduleEntry", check::<models::ScheduleEntry> as Check),
    ("Activity", check::<models::Activity> as Check),
    ("TimeSheet", check::<models::TimeSheet> as Check),
    ("ExpenseReport", check::<models::ExpenseReport> as Check),
    ("Contact", check::<models::Contact> as Check),
    ("Configuration", check::<models::CompanyConfiguration> as Check),
    ("Opportunity", check::<models::Opportunity> as Check),
    ("Order", check::<models::Order> as Check),
    ("OpportunityForecast", check::<models::Forecast> as Check),
    ("PurchaseOrder", check::<models::PurchaseOrder> as Check),
    ("CatalogItem", check::<models::CatalogItem> as Check),
    ("AgreementAddition", check::<models::Addition> as Check),
    ("AgreementAdjustment", check::<models::AgreementAdjustment> as Check),
    ("InvoicePayment", check::<models::InvoicePayment> as Check),
    ("ServiceNote", check::<models::ServiceNote> as Check),
    ("ServiceTask", check::<models::ServiceTask> as Check),
    ("TicketNote", check::<models::TicketNote> as Check),
    ("TicketTask", check::<models::TicketTask> as Check),
    ("ProjectPhase", check::<models::ProjectPhase> as Check),
    ("PurchaseOrderLineItem", check::<models::PurchaseOrderLineItem> as Check),
    ("CompanySite", check::<models::CompanySite> as Check),
    ("Board", check::<models::Board> as Check),
    ("BoardStatus", check::<models::BoardStatus> as Check),
    ("BoardType", check::<models::BoardType> as Check),
    ("BoardSubType", check::<models::BoardSubType> as Check),
    ("BoardItem", check::<models::BoardItem> as Check),
    ("Priority", check::<models::Priority> as Check),
    ("ServiceTeam", check::<models::ServiceTeam> as Check),
    ("SLA", check::<models::Sla> as Check),
    ("SLAPriority", check::<models::SlaPriority> as Check),
    ("Calendar", check::<models::Calendar> as Check),
    ("HolidayList", check::<models::HolidayList> as Check),
    ("Holiday", check::<models::Holiday> as Check),
    ("ServiceSurvey", check::<models::ServiceSurvey> as Check),
    ("SurveyResult", check::<models::SurveyResult> as Check),
    ("CompanyStatus", check::<models::CompanyStatus> as Check),
    ("CompanyType", check::<models::CompanyType> as Check),
    ("CompanyTypeAssociation", check::<models::CompanyCompanyTypeAssociation> as Check),
    ("ContactType", check::<models::ContactType> as Check),
    ("ConfigurationStatus", check::<models::ConfigurationStatus> as Check),
    ("ConfigurationType", check::<models::ConfigurationType> as Check),
    ("ProjectStatus", check::<models::ProjectStatus> as Check),
    ("ProjectType", check::<models::ProjectType> as Check),
    ("PhaseStatus", check::<models::PhaseStatus> as Check),
    ("OpportunityStatus", check::<models::OpportunityStatus> as Check),
    ("OpportunityType", check::<models::OpportunityType> as Check),
    ("ActivityStatus", check::<models::ActivityStatus> as Check),
    ("ActivityType", check::<models::ActivityType> as Check),
    ("OrderStatus", check::<models::OrderStatus> as Check),
    ("ScheduleStatus", check::<models::ScheduleStatus> as Check),
    ("ScheduleType", check::<models::ScheduleType> as Check),
    ("PurchaseOrderStatus", check::<models::PurchaseOrderStatus> as Check),
    ("ProductType", check::<models::ProductType> as Check),
    ("Category", check::<models::Category> as Check),
    ("SubCategory", check::<models::SubCategory> as Check),
    ("Manufacturer", check::<models::Manufacturer> as Check),
    ("WarehouseBin", check::<models::WarehouseBin> as Check),
    ("InventoryOnHand", check::<models::InventoryOnHand> as Check),
    ("ExpenseType", check::<models::ExpenseType> as Check),
    ("MemberType", check::<models::MemberType> as Check),
    ("WorkRole", check::<models::WorkRole> as Check),
    ("WorkType", check::<models::WorkType> as Check),
    ("Location", check::<models::Location> as Check),
    ("Department", check::<models::Department> as Check),
    ("AgreementType", check::<models::AgreementType> as Check),
    ("BillingStatus", check::<models::BillingStatus> as Check),
    ("BillingTerm", check::<models::BillingTerm> as Check),
    ("BillingCycle", check::<models::BillingCycle> as Check),
    ("TaxCode", check::<models::TaxCode> as Check),
    ("Currency", check::<models::FinanceCurrency> as Check),
    ("UserDefinedField", check::<models::UserDefinedField> as Check),
];

fn check<T: Tabular + PartialEq + std::fmt::Debug>(entity: &'static Entity, parent: Option<i64>, page: &Page) -> usize {
    let mut decoder = Decoder::new(entity, "test", DateTime::UNIX_EPOCH).unwrap();
    if let Some(parent) = parent {
        decoder.below(parent);
    }
    for record in page.records().unwrap() {
        decoder.push(record).unwrap().unwrap();
    }
    let bronze = decoder.batch().unwrap();

    let records: Vec<T> = page.items().unwrap().into_iter().collect::<Result<_, _>>().unwrap();
    let typed = records_to_batch(&records).unwrap();
    assert_eq!(typed.num_rows(), bronze.num_rows());
    for field in T::arrow_schema().fields() {
        let own = contract::bronze(entity).field_with_name(field.name()).unwrap().data_type().clone();
        assert_eq!((field.name(), field.data_type()), (field.name(), &own), "{}", entity.name);
    }
    for row in 0..typed.num_rows() {
        let json = |batch| serde_json::from_str::<Value>(&rebuild(entity, batch, row).unwrap()).unwrap();
        assert_eq!(json(&typed), json(&bronze), "{}: row {row}", entity.name);
    }
    // And bronze's rows are records, as far as a model takes them.
    assert_eq!(batch_to_records::<T>(&bronze).unwrap(), records, "{}", entity.name);
    assert_eq!(batch_to_records::<T>(&typed).unwrap(), records, "{}", entity.name);
    records.len()
}

/// The paths of an entity's lists, and the parents that they hang on.
async fn lists(client: &Client, entity: &Entity) -> Vec<(String, Option<i64>)> {
    let Some(parent) = entity.parent() else { return vec![(entity.path.to_owned(), None)] };
    let above = catalog::entity(parent.entity).unwrap();
    let list = client.list(above.path).conditions(parent.conditions.unwrap_or_default());
    let pages: Vec<Page> = list.pages().try_collect().await.unwrap();
    let records = pages.iter().flat_map(|page| page.records().unwrap());
    let ids = records.map(|record| serde_json::from_str::<Value>(record.get()).unwrap()["id"].as_i64().unwrap());
    ids.take(LISTS).map(|id| (entity.path.replace("{parentId}", &id.to_string()), Some(id))).collect()
}

#[tokio::test]
async fn typed_batches_hold_what_bronze_holds() {
    let simulator = Simulator::builder().seed(1).scale(300).start().await.unwrap();
    let client_id = "11111111-2222-3333-4444-555555555555";
    let credentials = Credentials::new(simulator.username(), simulator.password(), client_id).unwrap();
    let client = Client::new(Config::new(&simulator.base_url(), credentials).unwrap()).unwrap();
    let names: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, catalog::entities().iter().map(|entity| entity.name).collect::<Vec<_>>());
    let mut compared = 0;
    for (name, check) in TYPES {
        let entity = catalog::entity(name).unwrap();
        let mut found = 0;
        for (path, parent) in lists(&client, entity).await {
            let pages: Vec<Page> = client.list(&path).pages().try_collect().await.unwrap();
            found += pages.iter().map(|page| check(entity, parent, page)).sum::<usize>();
        }
        assert!(found > 0, "the simulator has no record of {name}");
        compared += found;
    }
    assert!(compared > 1_000, "{compared}");
}
