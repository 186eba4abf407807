//! Reports: rows as the database names them, without any property's own name.

use axum::http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::write::done;
use super::{Ask, not_simulated};
use crate::answer::{self, Answer};
use crate::listing::{self, Listing};
use crate::paging::Paging;
use crate::place::Place;

/// What of a report is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Rows,
    Columns,
    Count,
}

/// A column: its name, its type, and where its value is in a row.
type Column = (&'static str, &'static str, &'static str);

/// A report: its name, the list that it shows, and its columns, the key first.
type Report = (&'static str, &'static str, [Column; 4]);

const REPORTS: [Report; 3] = [
    (
        "Company",
        "/company/companies",
        [
            ("Company_RecID", "Numeric", "/id"),
            ("Company_ID", "Text", "/identifier"),
            ("Company_Name", "Text", "/name"),
            ("Delete_Flag", "Boolean", "/deletedFlag"),
        ],
    ),
    (
        "Service",
        "/service/tickets",
        [
            ("SR_Service_RecID", "Numeric", "/id"),
            ("Summary", "Text", "/summary"),
            ("Company_RecID", "Numeric", "/company/id"),
            ("Closed_Flag", "Boolean", "/closedFlag"),
        ],
    ),
    (
        "Time",
        "/time/entries",
        [
            ("Time_RecID", "Numeric", "/id"),
            ("Member_ID", "Text", "/member/identifier"),
            ("Hours_Actual", "Numeric", "/actualHours"),
            ("Date_Start", "DateTime", "/timeStart"),
        ],
    ),
];

pub(super) fn answer(ask: &Ask, name: &str, part: Part) -> Answer {
    done(try_answer(ask, name, part))
}

fn try_answer(ask: &Ask, name: &str, part: Part) -> Result<Answer, Box<Answer>> {
    let found = REPORTS.into_iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name));
    let Some((_, path, columns)) = found else { return Err(Box::new(answer::not_found("Report", name))) };
    // Reports have conditions of their own, over columns.
    if !ask.parameter("conditions").trim().is_empty() {
        return Err(Box::new(not_simulated(&format!("{} with conditions", ask.path))));
    }
    let resource = ask.document.resource_at(path).ok_or_else(|| Box::new(answer::no_such_endpoint()))?;
    let place = Place::flat(resource.number);
    let source = ask.state.source();
    let table = source.listed_for(ask.document, place, &ask.role, &ask.switches);
    if part == Part::Count {
        return Ok(answer::json(StatusCode::OK, format!("{{\"count\":{}}}", table.live())));
    }
    let columns = chosen(&columns, ask.parameter("columns"))?;
    let key = columns.first().map(|(name, _, _)| *name);
    let definitions: Vec<Json> = columns
        .iter()
        .map(|(name, of, _)| {
            let identity = Some(*name) == key && name.ends_with("_RecID");
            let mut column = Map::new();
            column
                .insert((*name).to_owned(), json!({ "type": of, "isNullable": !identity, "identityColumn": identity }));
            Json::Object(column)
        })
        .collect();
    if part == Part::Columns {
        return Ok(answer::json(StatusCode::OK, Json::Array(definitions).to_string()));
    }
    let paging = Paging::read(&ask.parameters, false, &ask.switches)
        .map_err(|out| Box::new(answer::invalid("OutOfRange", out.0.split(' ').next().unwrap_or_default(), &out.0)))?;
    let listing = Listing { paging, condition: None, children: Vec::new(), selection: None, order: None };
    let page = listing::page(table.as_ref(), &listing, 0);
    let rows: Vec<Json> = serde_json::from_slice(&page.body).unwrap_or_default();
    let values: Vec<Json> = rows
        .iter()
        .map(|row| columns.iter().map(|(_, _, at)| row.pointer(at).cloned().unwrap_or(Json::Null)).collect())
        .collect();
    Ok(answer::json(StatusCode::OK, json!({ "column_definitions": definitions, "row_values": values }).to_string()))
}

/// The columns that are named, in any case; all where none is.
fn chosen(columns: &[Column], names: &str) -> Result<Vec<Column>, Box<Answer>> {
    if names.trim().is_empty() {
        return Ok(columns.to_vec());
    }
    let names = names.split(',').map(str::trim);
    names
        .map(|name| {
            let found = columns.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name)).copied();
            let message = format!("{name} is not a recognized name.");
            found.ok_or_else(|| Box::new(answer::error(StatusCode::BAD_REQUEST, "ApiFindCondition", &message)))
        })
        .collect()
}
