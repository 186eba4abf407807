//! Paths that are more than a list of rows: which of them are simulated, and by what.

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

use super::list::{self, Words};
use super::{Ask, body, bulk, bundle, copy, document, flow, report};
use crate::answer::{self, Answer};
use crate::document::{Document, Matched, Path, Role};
use crate::place::Place;
use crate::table::Table;

/// What a path does that isn't a list of rows, or more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Info,
    Search(&'static str),
    Bundle {
        counts: bool,
    },
    MergeCompany,
    Token,
    /// The row before it in the path is made again.
    Copy,
    /// The row that the body names is made again, by another name.
    CopyNamed,
    /// A row becomes another one, of the list with this path.
    Convert(&'static str),
    Bulk,
    /// A sheet or report gets this status.
    Status(&'static str),
    MergeTickets,
    AttachTickets,
    Deactivate,
    Batch,
    /// A row is patched by a path of its own.
    Patch,
    Report(report::Part),
    /// Bytes, and what hangs on them.
    Document,
}

/// Paths in lower case, with their methods.
const ACTIONS: [(&str, &str, Action); 32] = [
    ("GET", "/system/info", Action::Info),
    ("POST", "/service/tickets/search", Action::Search("/service/tickets")),
    ("POST", "/project/tickets/search", Action::Search("/project/tickets")),
    ("POST", "/system/bundles", Action::Bundle { counts: false }),
    ("POST", "/system/bundles/count", Action::Bundle { counts: true }),
    ("POST", "/company/companies/{}/merge", Action::MergeCompany),
    ("POST", "/system/members/{}/tokens", Action::Token),
    ("POST", "/service/boards/copy", Action::CopyNamed),
    ("POST", "/schedule/holidaylists/copy", Action::CopyNamed),
    ("POST", "/company/configurations/types/copy", Action::CopyNamed),
    ("POST", "/company/portalconfigurations/copy", Action::CopyNamed),
    ("POST", "/sales/opportunities/{}/converttoagreement", Action::Convert("/finance/agreements")),
    ("POST", "/sales/opportunities/{}/converttoproject", Action::Convert("/project/projects")),
    ("POST", "/sales/opportunities/{}/converttosalesorder", Action::Convert("/sales/orders")),
    ("POST", "/sales/opportunities/{}/converttoserviceticket", Action::Convert("/service/tickets")),
    ("POST", "/sales/orders/{}/converttoproject", Action::Convert("/project/projects")),
    ("POST", "/sales/orders/{}/converttoserviceticket", Action::Convert("/service/tickets")),
    ("POST", "/time/sheets/{}/submit", Action::Status("PendingApproval")),
    ("POST", "/time/sheets/{}/approve", Action::Status("ApprovedByTierOne")),
    ("POST", "/time/sheets/{}/reject", Action::Status("Rejected")),
    ("POST", "/time/sheets/{}/reverse", Action::Status("Open")),
    ("POST", "/expense/reports/{}/submit", Action::Status("PendingApproval")),
    ("POST", "/expense/reports/{}/approve", Action::Status("ApprovedByTierOne")),
    ("POST", "/expense/reports/{}/reject", Action::Status("Rejected")),
    ("POST", "/expense/reports/{}/reverse", Action::Status("Open")),
    ("POST", "/service/tickets/{}/merge", Action::MergeTickets),
    ("POST", "/service/tickets/{}/attachchildren", Action::AttachTickets),
    ("POST", "/system/members/{}/deactivate", Action::Deactivate),
    ("POST", "/finance/accounting/batches", Action::Batch),
    ("PATCH", "/company/configurations/{}/changetype", Action::Patch),
    ("GET", "/system/reports/{}", Action::Report(report::Part::Rows)),
    ("GET", "/system/reports/{}/columns", Action::Report(report::Part::Columns)),
];

/// What a path does, if it is more than any other.
pub(super) fn find(document: &Document, path: &Path, method: &str) -> Option<Action> {
    let normal = path.anonymous();
    let known = ACTIONS.into_iter().find(|(of, known, _)| *of == method && *known == normal);
    if let Some((_, _, action)) = known {
        return Some(action);
    }
    if normal == "/system/reports/{}/count" && method == "GET" {
        return Some(Action::Report(report::Part::Count));
    }
    if document::knows(&normal, method) {
        return Some(Action::Document);
    }
    let below =
        |last: &str| normal.strip_suffix(last).and_then(|base| document.find(base)).map(|found| found.path.role);
    match (method, below("/copy"), below("/bulk")) {
        ("POST", Some(Role::One(_)), _) => Some(Action::Copy),
        ("POST" | "PUT" | "DELETE", _, Some(Role::List(_))) => Some(Action::Bulk),
        _ => None,
    }
}

/// The answer of a path that is special; `None` where it is like any other.
pub(super) async fn special(ask: &Ask<'_>, found: &Matched<'_, '_>) -> Option<Answer> {
    let first = found.arguments.first().copied().unwrap_or_default();
    Some(match find(ask.document, found.path, ask.method.as_str())? {
        Action::Info => info(ask),
        Action::Search(path) => search(ask, path).await,
        Action::Bundle { counts } => bundle::answer(ask, counts).await,
        Action::MergeCompany => merge(ask, first),
        Action::Token => token(ask),
        Action::Copy => copy::row(ask, found),
        Action::CopyNamed => copy::named(ask, found),
        Action::Convert(to) => copy::convert(ask, found, to),
        Action::Bulk => bulk::answer(ask),
        Action::Status(status) => flow::status(ask, first, status),
        Action::MergeTickets => flow::merge_tickets(ask, first),
        Action::AttachTickets => flow::attach_tickets(ask, first),
        Action::Deactivate => flow::deactivate(ask, first),
        Action::Batch => flow::batch(ask),
        Action::Patch => flow::patch(ask, found),
        Action::Report(part) => report::answer(ask, first, part),
        Action::Document => return document::special(ask, found),
    })
}

fn info(ask: &Ask) -> Answer {
    let release = ask.state.release();
    answer::json(
        StatusCode::OK,
        format!(
            r#"{{"version":"v{release}.104210","isCloud":true,"serverTimeZone":"GMT Standard Time","licenseBits":[],"cloudRegion":"EU","maxWorkFlowRecordsAllowed":1000}}"#
        ),
    )
}
/// A search: a list whose words come in the body, where a URL would be too long. Page and fields stay in the query string.
async fn search(ask: &Ask<'_>, path: &str) -> Answer {
    let Some(resource) = ask.document.resource_at(path) else { return answer::no_such_endpoint() };
    let given = if ask.body.trim_ascii().is_empty() { Ok(serde_json::Map::new()) } else { body::object(&ask.body) };
    let given = match given {
        Ok(given) => given,
        Err(refusal) => return *refusal,
    };
    let mut words = Words { fields: ask.parameter("fields"), ..Words::default() };
    for (name, value) in &given {
        let word = match name.to_ascii_lowercase().as_str() {
            "conditions" => &mut words.conditions,
            "childconditions" => &mut words.children,
            "customfieldconditions" => &mut words.custom_fields,
            "orderby" => &mut words.order,
            _ => return *body::no_member("FilterValues", name),
        };
        match value {
            Json::Null => {}
            Json::String(text) => *word = text,
            _ => return *body::unreadable(&format!("The {name} field must be a string.")),
        }
    }
    list::answer_list(ask, Place::flat(resource.number), words).await
}

/// Merges a company into another one: it is marked deleted, and its `lastUpdated` stays.
fn merge(ask: &Ask, id: &str) -> Answer {
    match try_merge(ask, id) {
        Ok(answer) | Err(answer) => *answer,
    }
}

fn try_merge(ask: &Ask, id: &str) -> Result<Box<Answer>, Box<Answer>> {
    let Some(resource) = ask.document.resource_at("/company/companies") else {
        return Err(Box::new(answer::no_such_endpoint()));
    };
    let companies = Place::flat(resource.number);
    let given = body::object(&ask.body)?;
    let Some(to) = given.get("toCompanyId").and_then(Json::as_i64) else {
        let message = "The toCompanyId field is required.";
        return Err(Box::new(answer::invalid("MissingRequiredField", "toCompanyId", message)));
    };
    let merged = ask.state.change(|tenant| {
        let table = tenant.table(companies);
        let slots = (id.parse().ok().and_then(|id: i64| table.slot_of(id)), table.slot_of(to));
        if let (Some(from), Some(into)) = slots
            && from != into
        {
            tenant.merge(companies, from);
            return true;
        }
        false
    });
    match merged {
        Some(true) => {
            Ok(Box::new(answer::json(StatusCode::OK, json!({ "success": true, "message": "Success" }).to_string())))
        }
        _ => Err(Box::new(answer::not_found("Company", id))),
    }
}

/// A token to act as a member. Ordinary keys don't get one; the integrator login does.
fn token(ask: &Ask) -> Answer {
    let integrator = ask.headers.get("x-cw-usertype").is_some_and(|kind| kind.as_bytes() == b"integrator");
    if !integrator {
        return answer::refused(StatusCode::FORBIDDEN, "Forbidden", "The security role does not allow this request.");
    }
    let mut expiration = String::new();
    let now = ask.state.now();
    crate::calendar::push(&mut expiration, now + 4 * 3600);
    let token = json!({ "publicKey": "simulatedpublic", "privateKey": "simulatedprivate", "expiration": expiration });
    answer::json(StatusCode::OK, token.to_string())
}
