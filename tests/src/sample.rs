//! Some entities for all.

use connectwise_extract::catalog;
use connectwise_sdk::catalog::Entity;

/// Each way of loading, each way of paging, with and without a count and a change time, and a list that hangs on rows.
const NAMES: [&str; 11] = [
    "TimeEntry",
    "Agreement",
    "AgreementAddition",
    "Company",
    "ExpenseEntry",
    "ProductItem",
    "Invoice",
    "Member",
    "UnpostedInvoice",
    "ServiceTicket",
    "Board",
];

/// Entities that stand for all, where a test runs too often to load every one each time. `CW_ENTITIES=all` takes all.
pub fn sample() -> impl Iterator<Item = &'static Entity> + Clone {
    let all = std::env::var("CW_ENTITIES").is_ok_and(|which| which == "all");
    catalog::entities().iter().filter(move |entity| all || NAMES.contains(&entity.name))
}
