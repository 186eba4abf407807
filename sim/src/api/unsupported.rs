//! What the document has and the simulator doesn't do, and why.

use serde_json::{Value as Json, json};

use super::action;
use crate::document::{Document, Path, Role};

/// Whether a request of this method is answered by anything but 501.
pub(super) fn is_simulated(document: &Document, path: &Path, method: &str) -> bool {
    if action::find(document, path, method).is_some() {
        return true;
    }
    match path.role {
        Role::List(_) => matches!(method, "GET" | "POST" | "DELETE"),
        Role::One(_) => method != "POST",
        Role::Count(_) | Role::Part(..) | Role::Single(_) => method == "GET",
        Role::Action => false,
    }
}

/// `[{"method":..,"path":..,"reason":..}]`, in the order of the document.
pub(crate) fn list(document: &Document) -> Json {
    let all =
        document.paths.iter().flat_map(|path| path.operations.iter().map(move |operation| (path, operation.method)));
    all.filter(|(path, method)| !is_simulated(document, path, method))
        .map(|(path, method)| json!({ "method": method, "path": path.template, "reason": reason(path, method) }))
        .collect()
}

/// Words of paths, in lower case, and why what they do isn't simulated.
const REASONS: [(&[&str], &str); 11] = [
    (
        &["testtransaction", "testconnection", "testlink", "/test", "authorize", "resolveurl", "sync", "marketplace"],
        "it reaches out to another system",
    ),
    (
        &["password", "credentials", "sso", "token", "myaccount", "iam", "members/{id}/submit"],
        "it is about people who sign in, of whom there are none",
    ),
    (&["notifyresource"], "there is nobody to be notified"),
    (&["invoicegrouping/count"], "a slip of the document: nobody writes a count"),
    (
        &["/service/tickets/{parentid}/convert", "/project/tickets/{parentid}/convert"],
        "a converted ticket keeps its id, and in the simulator an id says of which sort a ticket is",
    ),
    (&["/invoice", "commissions"], "how agreements and commissions are billed in the course of time isn't documented"),
    (&["image"], "these bytes have no documented form"),
    (&["export", "rebatch", "unbatch"], "its answer is the file of an accounting package, or it takes that back"),
    (
        &["import", "template", "generate", "workflow"],
        "it starts a process of the server's, whose steps aren't documented",
    ),
    (
        &["detach", "pricing", "defaults", "vendors", "purchasingdemands", "forecast", "colors", "unusedtimesheets"],
        "the rules by which the server works this out aren't documented",
    ),
    (
        &["closedinvoices", "billingrates", "teammembers", "opportunitysetups"],
        "the document gives it no list that its row would be of, or no id to find it by",
    ),
];

fn reason(path: &Path, method: &str) -> &'static str {
    if matches!(path.role, Role::Single(_)) {
        return "settings that there are once are the same for the life of a simulator";
    }
    let template = path.template.to_ascii_lowercase();
    let found = REASONS.into_iter().find(|(words, _)| words.iter().any(|word| template.contains(word)));
    match (found, method) {
        (Some((_, reason)), _) => reason,
        (None, _) => "what it does to rows isn't documented",
    }
}
