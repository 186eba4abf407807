//! Every property that is called like personal data has a rule, or stands here with the reason why it is no such data.

use std::collections::BTreeSet;

use connectwise_extract::catalog;
use connectwise_extract::privacy::is_personal;
use connectwise_sdk::catalog::{Column, Kind, Meaning};

/// Properties that only sound so: entities (or `*`), the ends of their paths, and what they are.
const NOT_PERSONAL: [(&[&str], &[&str], &str); 9] = [
    (&["*"], &["/mobileGuid"], "an id that the mobile app gave a record"),
    (&["*"], &["/emailTemplate/identifier", "/emailTemplate/name", "/emailTemplate/type"], "a kind of e-mail"),
    (&["Board"], &["/emailConnectorReopenStatus/name"], "a status"),
    (&["Board"], &["/notifyEmailFrom", "/notifyEmailFromName"], "the provider itself as a sender"),
    (
        &["Company", "CompanySite"],
        &[
            "/addressFormat",
            "/addressLine1",
            "/addressLine2",
            "/city",
            "/state",
            "/stateReference/identifier",
            "/stateReference/name",
            "/zip",
            "/phoneNumber",
            "/phoneNumberExt",
            "/faxNumber",
            "/facebookUrl",
            "/linkedInUrl",
            "/twitterUrl",
        ],
        "where a company is and its switchboard",
    ),
    (
        &["Location"],
        &[
            "/overrideAddressLine1",
            "/overrideAddressLine2",
            "/overrideCity",
            "/overrideZip",
            "/overrideFaxNumber",
            "/overridePhoneNumber",
        ],
        "an office of the provider",
    ),
    (
        &["Invoice", "PurchaseOrder"],
        &[
            "/billingSiteAddressLine1",
            "/billingSiteAddressLine2",
            "/billingSiteCity",
            "/billingSiteZip",
            "/shippingSiteAddressLine1",
            "/shippingSiteAddressLine2",
            "/shippingSiteCity",
            "/shippingSiteZip",
            "/customerStreetLine1",
            "/customerStreetLine2",
            "/customerCity",
            "/customerZip",
            "/customerPhone",
            "/customerExtension",
        ],
        "the company's site that is billed or shipped to",
    ),
    (&["UnpostedInvoice"], &["/cityTaxXref", "/stateTaxXref"], "accounts of taxes"),
    (
        &["Member"],
        &[
            "/firstName",
            "/lastName",
            "/middleInitial",
            "/defaultEmail",
            "/defaultPhone",
            "/primaryEmail",
            "/officeEmail",
            "/officePhone",
            "/officeExtension",
            "/phoneIntegrationType",
            "/phoneSource",
            "/ssoSettings/email",
            "/ssoSettings/userName",
        ],
        "how a member of the provider is named and reached at work, which reports and dimmember show",
    ),
];

/// The texts of an entity at any depth, by their paths, and whether a rule holds for them.
fn texts(columns: &[Column], above: &str, ruled: bool, found: &mut Vec<(String, bool)>) {
    for column in columns {
        let path = format!("{above}/{}", column.name);
        let ruled = ruled || matches!(column.meaning, Meaning::Personal | Meaning::Name | Meaning::Secret);
        let mut kind = column.kind;
        while let Kind::List(element) = kind {
            kind = *element;
        }
        match kind {
            Kind::Struct(inner) => texts(inner, &path, ruled, found),
            Kind::Utf8 | Kind::Json => found.push((path, ruled)),
            _ => {}
        }
    }
}

#[test]
fn what_is_called_like_personal_data_has_a_rule_or_a_reason() {
    let mut without = Vec::new();
    let mut reasons = BTreeSet::new();
    for entity in catalog::entities() {
        let mut found = Vec::new();
        texts(entity.columns, "", false, &mut found);
        for (path, ruled) in found {
            if ruled || !is_personal(path.trim_start_matches('/')) {
                continue;
            }
            let ends = NOT_PERSONAL.iter().filter(|(of, ..)| of.contains(&"*") || of.contains(&entity.name));
            match ends.flat_map(|(_, ends, _)| *ends).find(|end| path.ends_with(*end)) {
                Some(end) => drop(reasons.insert(*end)),
                None => without.push(format!("{}{path}", entity.name)),
            }
        }
    }
    assert_eq!(
        without,
        Vec::<String>::new(),
        "declare them in openapi/lake.toml, or say here why they are not personal"
    );
    let idle = NOT_PERSONAL.iter().flat_map(|(_, ends, _)| *ends).filter(|end| !reasons.contains(*end));
    assert_eq!(idle.collect::<Vec<_>>(), Vec::<&&str>::new(), "reasons for properties that are not there");
}
