//! Documents and pictures: bytes that hang on rows.

use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::{Method, StatusCode};
use serde_json::{Map, Value as Json};

use super::{Ask, body};
use crate::answer::{self, Answer};
use crate::document::Matched;
use crate::files::{self, Part};
use crate::place::Place;
use crate::table::Table;

/// Paths in lower case, with their methods.
const KNOWN: [(&str, &str); 11] = [
    ("POST", "/system/documents"),
    ("GET", "/system/documents"),
    ("GET", "/system/documents/{}/download"),
    ("GET", "/system/documents/{}/thumbnail"),
    ("GET", "/system/documents/uploadsample"),
    ("GET", "/system/members/{}/image"),
    ("GET", "/company/contacts/{}/image"),
    ("GET", "/service/priorities/{}/image"),
    ("GET", "/system/menuentries/{}/image"),
    ("GET", "/company/management/{}/log/download"),
    ("GET", "/finance/invoices/{}/pdf"),
];

pub(super) fn knows(path: &str, method: &str) -> bool {
    KNOWN.contains(&(method, path))
}

pub(super) fn special(ask: &Ask, found: &Matched<'_, '_>) -> Option<Answer> {
    let id = found.arguments.first().copied().unwrap_or_default();
    Some(match found.path.anonymous().as_str() {
        "/system/documents" if ask.method == Method::POST => upload(ask).unwrap_or_else(|refusal| *refusal),
        "/system/documents" if !(named(ask, "recordType") && named(ask, "recordId")) => {
            answer::invalid("MissingRequiredField", "recordType", "recordType and recordId are required.")
        }
        "/system/documents/uploadsample" => answer::bytes("text/plain", files::made(1)),
        "/system/documents/{}/download" => download(ask, id),
        "/system/documents/{}/thumbnail" => picture(ask, "/system/documents", id),
        "/system/members/{}/image" => picture(ask, "/system/members", id),
        "/company/contacts/{}/image" => picture(ask, "/company/contacts", id),
        "/service/priorities/{}/image" => picture(ask, "/service/priorities", id),
        "/system/menuentries/{}/image" => picture(ask, "/system/menuentries", id),
        "/company/management/{}/log/download" => match id.parse() {
            Ok(number) if number > 0 => answer::bytes("text/plain", files::made(number)),
            _ => answer::no_such_endpoint(),
        },
        "/finance/invoices/{}/pdf" => match row(ask, "/finance/invoices", id) {
            Ok(_) => answer::bytes("application/pdf", files::PDF),
            Err(refusal) => *refusal,
        },
        _ => return None,
    })
}

fn named(ask: &Ask, parameter: &str) -> bool {
    !ask.parameter(parameter).trim().is_empty()
}

/// The row of a flat list that a path names.
fn row(ask: &Ask, path: &str, id: &str) -> Result<(Place, u64), Box<Answer>> {
    let resource = ask.document.resource_at(path).ok_or_else(|| Box::new(answer::no_such_endpoint()))?;
    let place = Place::flat(resource.number);
    let source = ask.state.source();
    let slot = id.parse().ok().and_then(|id| source.table_for(ask.document, place, &ask.role).slot_of(id));
    let schema = ask.schema(place)?;
    slot.map(|slot| (place, slot)).ok_or_else(|| Box::new(answer::not_found(schema.name, id)))
}

fn picture(ask: &Ask, path: &str, id: &str) -> Answer {
    match row(ask, path, id) {
        Ok(_) => answer::bytes("image/png", files::PICTURE),
        Err(refusal) => *refusal,
    }
}

fn download(ask: &Ask, id: &str) -> Answer {
    if let Err(refusal) = row(ask, "/system/documents", id) {
        return *refusal;
    }
    let number: i64 = id.parse().unwrap_or(0);
    let uploaded = ask.state.files().get(number);
    let (name, bytes) = uploaded.unwrap_or_else(|| (format!("skjal-{number}.txt"), files::made(number)));
    let mut answer = answer::bytes("application/octet-stream", bytes);
    let disposition = HeaderName::from_static("content-disposition");
    answer::set(&mut answer, disposition, &format!("attachment; filename=\"{}\"", name.replace(['"', '\\'], "_")));
    answer
}

/// A multipart upload: `file`, `recordType`, `recordId`, `title`.
fn upload(ask: &Ask) -> Result<Answer, Box<Answer>> {
    let kind = ask.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let Some(parts) = files::parts(kind, &ask.body) else {
        let message = "The request entity's media type is not supported for this resource.";
        return Err(Box::new(answer::error(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedFormat", message)));
    };
    let find = |name: &str| parts.iter().find(|part| part.name.eq_ignore_ascii_case(name));
    let text = |part: Option<&Part>| part.map(|part| String::from_utf8_lossy(&part.bytes).into_owned());
    let Some(file) = find("file").filter(|part| part.file.is_some()) else {
        return Err(Box::new(answer::invalid("MissingRequiredField", "file", "The file field is required.")));
    };
    for name in ["recordType", "recordId"] {
        if find(name).is_none_or(|part| part.bytes.is_empty()) {
            let message = format!("The {name} field is required.");
            return Err(Box::new(answer::invalid("MissingRequiredField", name, &message)));
        }
    }
    let resource = ask.document.resource_at("/system/documents").ok_or_else(|| Box::new(answer::no_such_endpoint()))?;
    let place = Place::flat(resource.number);
    let name = file.file.clone().unwrap_or_default();
    let mut row = Map::new();
    row.insert("title".to_owned(), text(find("title")).unwrap_or_else(|| name.clone()).into());
    row.insert("fileName".to_owned(), name.clone().into());
    row.insert("size".to_owned(), file.bytes.len().into());
    row.insert("owner".to_owned(), ask.by().into());
    for flag in ["linkFlag", "imageFlag", "publicFlag", "readOnlyFlag", "urlFlag", "htmlTemplateFlag"] {
        row.insert(flag.to_owned(), Json::Bool(false));
    }
    let made = ask.state.change(|tenant| {
        let id = tenant.insert(place, row, ask.by()).ok()?;
        let slot = tenant.table(place).slot_of(id)?;
        Some((id, tenant.tree(place, slot)))
    });
    let Some((id, row)) = made.flatten() else { return Err(body::unreadable("Recorded answers can't be written to.")) };
    if !ask.state.files().keep(id, name, file.bytes.clone()) {
        let message = "The simulator keeps no more uploads.";
        return Err(Box::new(answer::error(StatusCode::PAYLOAD_TOO_LARGE, "OutOfRange", message)));
    }
    Ok(answer::json(StatusCode::CREATED, row.to_string()))
}
