//! The API itself: what a request below its root leads to.

mod action;
mod body;
mod bulk;
mod bundle;
mod copy;
mod document;
mod flow;
mod list;
mod report;
mod unsupported;
mod write;

pub(crate) use unsupported::list as unsupported;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};

use crate::answer::{self, Answer};
use crate::document::{Document, Matched, Resource, Role, Schema};
use crate::faults::Fault;
use crate::gate;
use crate::paging;
use crate::place::Place;
use crate::query::{Grammar, Names, Refusal};
use crate::role::Role as SecurityRole;
use crate::state::State;
use crate::switches::{Switch, Switches};

/// A request that was let in.
pub(crate) struct Ask<'a> {
    state: &'a State,
    document: &'static Document,
    role: SecurityRole,
    switches: Switches,
    method: &'a Method,
    headers: &'a HeaderMap,
    /// Below the API's root, without a slash at its end.
    path: &'a str,
    /// Whether there was one.
    slash: bool,
    parameters: Vec<(String, String)>,
    body: Bytes,
    /// What a fault does to the page.
    fault: Option<&'a Fault>,
}

/// Answers a request below the API's root.
pub(crate) async fn answer(
    state: &State,
    (method, uri, headers): (&Method, &Uri, &HeaderMap),
    path: &str,
    body: Bytes,
    fault: Option<&Fault>,
) -> Answer {
    let switches = state.switches();
    if let Some(refusal) = gate::refusal(headers, uri, path, &state.credentials, state.release(), &switches) {
        return refusal;
    }
    let role = state.role();
    if let Some(refusal) = role.refusal(path) {
        return refusal;
    }
    let parameters = paging::parameters(uri.query());
    let (document, slash) = (state.document, uri.path().ends_with('/'));
    Ask { state, document, role, switches, method, headers, path, slash, parameters, body, fault }.answer().await
}

/// Routes that don't exist, and for which the server blames the role.
const BLAMED: [&str; 3] = ["timeentries", "expenses", "products"];

impl Ask<'_> {
    async fn answer(&self) -> Answer {
        let Some(found) = self.document.find(self.path) else {
            let blamed = self
                .path
                .to_ascii_lowercase()
                .strip_prefix("/finance/invoices/")
                .is_some_and(|rest| rest.split_once('/').is_some_and(|(_, last)| BLAMED.contains(&last)));
            return if blamed {
                answer::refused(StatusCode::FORBIDDEN, "Forbidden", "You do not have permission to this endpoint.")
            } else {
                answer::no_such_endpoint()
            };
        };
        if found.path.slashed && !self.slash && self.switches.is(Switch::TrailingSlash, "documented") {
            return answer::no_such_endpoint();
        }
        if found.path.operation(self.method.as_str()).is_none() {
            let message = format!("The requested resource does not support http method '{}'.", self.method);
            return answer::error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", &message);
        }
        if !unsupported::is_simulated(self.document, found.path, self.method.as_str()) {
            return not_simulated(self.path);
        }
        if let Some(answer) = action::special(self, &found).await {
            return answer;
        }
        let get = self.method == Method::GET;
        match (found.path.role, found.arguments.split_last()) {
            (Role::List(resource), _) => match self.place(resource, &found.arguments) {
                Err(refusal) => *refusal,
                Ok(place) if get => list::list(self, place).await,
                Ok(place) if self.method == Method::POST => write::create(self, place, &found),
                Ok(place) if self.method == Method::DELETE => write::clear(self, place, &found),
                Ok(_) => not_simulated(self.path),
            },
            (Role::Count(resource), _) if get => match self.place(resource, &found.arguments) {
                Err(refusal) => *refusal,
                Ok(place) => list::count(self, place).await,
            },
            (Role::One(resource), Some((id, parents))) => match self.place(resource, parents) {
                Err(refusal) => *refusal,
                Ok(place) if get => list::one(self, place, id, None),
                Ok(place) => write::change(self, place, id, &found),
            },
            (Role::Part(resource, schema), Some((id, parents))) if get => match self.place(resource, parents) {
                Err(refusal) => *refusal,
                Ok(place) => list::one(self, place, id, self.document.schemas.get(schema)),
            },
            (Role::Single(schema), _) if get => list::single(self, schema),
            _ => not_simulated(self.path),
        }
    }

    fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    fn forward_only(&self) -> bool {
        let mode = self.headers.get("pagination-type");
        mode.is_some_and(|mode| mode.as_bytes().eq_ignore_ascii_case(b"forward-only"))
    }

    /// Who asks, as rows name them.
    fn by(&self) -> &str {
        self.state.credentials.username.split('+').nth(1).unwrap_or("api")
    }

    fn resource(&self, place: Place) -> &'static Resource {
        &self.document.resources[place.resource]
    }

    fn schema(&self, place: Place) -> Result<&'static Schema, Box<Answer>> {
        let schema = self.document.schemas.get(self.resource(place).schema);
        schema.ok_or_else(|| Box::new(answer::no_such_endpoint()))
    }

    fn names(&self, place: Place) -> Result<Names, Box<Answer>> {
        Ok(Names::of(self.document, self.schema(place)?, Grammar::of(&self.switches)))
    }

    /// The list that a path names. Its parents have to be there.
    fn place(&self, resource: usize, arguments: &[&str]) -> Result<Place, Box<Answer>> {
        let mut ids = Vec::new();
        for argument in arguments {
            ids.push(id_of(argument).ok_or_else(|| Box::new(answer::no_such_endpoint()))?);
        }
        let place = Place::below(resource, &ids).ok_or_else(|| Box::new(answer::no_such_endpoint()))?;
        self.check_parents(place)?;
        Ok(place)
    }

    fn check_parents(&self, place: Place) -> Result<(), Box<Answer>> {
        let (Some(parent), Some((id, above))) = (self.resource(place).parent, place.parents().split_last()) else {
            return Ok(());
        };
        let Some(parent) = Place::below(parent, above) else { return Ok(()) };
        self.check_parents(parent)?;
        if !self.resource(parent).keyed {
            return Ok(());
        }
        let source = self.state.source();
        if source.table_for(self.document, parent, &self.role).slot_of(*id).is_none() {
            return Err(Box::new(answer::not_found(self.schema(parent)?.name, &id.to_string())));
        }
        Ok(())
    }
}

/// The id that an argument is. A name stands for one that it always stands for.
fn id_of(argument: &str) -> Option<i64> {
    match argument.parse::<i64>() {
        Ok(id) => (id > 0).then_some(id),
        Err(_) if argument.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-') => None,
        Err(_) => {
            let hash = argument.bytes().fold(7u64, |hash, byte| crate::data::rng::mix(hash ^ u64::from(byte)));
            Some(1 + (hash % 1_000_000) as i64)
        }
    }
}

fn bad(refusal: &Refusal) -> Answer {
    answer::error(StatusCode::BAD_REQUEST, refusal.code, &refusal.message)
}

fn refuse(refusal: Refusal) -> Box<Answer> {
    Box::new(bad(&refusal))
}

/// What the document has and the simulator doesn't do says so.
fn not_simulated(path: &str) -> Answer {
    answer::error(StatusCode::NOT_IMPLEMENTED, "NotImplemented", &format!("{path} is not simulated."))
}

/// The schema of the body that an operation takes.
fn body_schema(document: &'static Document, found: &Matched<'_, '_>, method: &Method) -> Option<&'static Schema> {
    document.schemas.get(found.path.operation(method.as_str())?.takes?)
}
