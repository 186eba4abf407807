//! Makes sense of an interface document.

use std::collections::{BTreeMap, HashMap};

use super::raw::{Raw, RawOperation, RawSchema};
use super::resource::{Operation, Path, Resource, Role, normal};
use super::schema::{ListOf, Member, Of, Schema};
use super::{Document, Release};

impl Document {
    /// Reads a document. `absent` are properties that rows of later releases have.
    pub(super) fn read(
        text: &'static str,
        release: Release,
        absent: Vec<(&'static str, &'static str)>,
    ) -> Result<Self, String> {
        let raw: Raw<'static> = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let schemas_by_name: HashMap<&'static str, usize> =
            raw.components.schemas.keys().enumerate().map(|(number, name)| (*name, number)).collect();
        let schemas: Vec<Schema> =
            raw.components.schemas.iter().map(|(name, schema)| read_schema(name, schema, &schemas_by_name)).collect();
        let mut paths = merged(&raw.paths, &schemas_by_name);
        let resources = resources(&mut paths, &schemas);
        let mut by_start: HashMap<(String, usize), Vec<usize>> = HashMap::new();
        for (at, path) in paths.iter().enumerate() {
            let start = path.normal.split('/').next().unwrap_or_default().to_owned();
            by_start.entry((start, path.steps.len())).or_default().push(at);
        }
        if resources.is_empty() {
            return Err("it has no lists".to_owned());
        }
        let resources_by_path = resources.iter().map(|resource| (resource.normal.clone(), resource.number)).collect();
        Ok(Self { release, schemas, paths, resources, schemas_by_name, resources_by_path, by_start, absent })
    }
}

fn read_schema(name: &'static str, raw: &RawSchema<'static>, names: &HashMap<&'static str, usize>) -> Schema {
    let members = raw
        .properties
        .iter()
        .map(|(property, raw)| Member {
            name: property,
            of: of(raw, names),
            longest: raw.longest,
            write_only: raw.write_only,
        })
        .collect();
    Schema { name, members, required: raw.required.clone() }
}

fn of(raw: &RawSchema<'static>, names: &HashMap<&'static str, usize>) -> Of {
    if let Some(number) = raw.target().and_then(|target| names.get(target)) {
        return Of::Object(*number);
    }
    match (raw.of, raw.format) {
        (Some("integer"), _) => Of::Whole,
        (Some("number"), _) => Of::Decimal,
        (Some("boolean"), _) => Of::Flag,
        (Some("string"), Some("date-time" | "date")) => Of::Time,
        (Some("string"), Some("uuid")) => Of::Guid,
        (Some("string"), _) if !raw.members.is_empty() => Of::Member(Vec::leak(
            raw.members.iter().flatten().map(|member| &*String::leak(member.clone().into_owned())).collect(),
        )),
        (Some("string"), _) => Of::Text,
        (Some("array"), _) => Of::List(match raw.items.as_deref() {
            None => ListOf::Anything,
            Some(items) => match of(items, names) {
                Of::Object(number) => ListOf::Objects(number),
                Of::Whole => ListOf::Whole,
                Of::Text => ListOf::Text,
                _ => ListOf::Anything,
            },
        }),
        _ => Of::Map,
    }
}

/// Paths with their operations. Those that differ by case or a last slash only are one; those that are cut off are none.
fn merged(
    raw: &BTreeMap<&'static str, BTreeMap<&'static str, RawOperation<'static>>>,
    names: &HashMap<&'static str, usize>,
) -> Vec<Path> {
    let mut paths: Vec<Path> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (template, operations) in raw {
        let whole = |step: &str| step.starts_with('{') && step.find('}') == Some(step.len() - 1);
        let odd = template.split('/').any(|step| step.contains('{') && !whole(step));
        if odd {
            continue;
        }
        let normal = normal(template);
        let slashed = template.len() > 1 && template.ends_with('/');
        let at = *known.entry(normal.clone()).or_insert_with(|| {
            let template = template.trim_end_matches('/');
            paths.push(Path {
                template,
                slashed,
                normal,
                steps: Path::steps(template),
                operations: Vec::new(),
                role: Role::Action,
            });
            paths.len() - 1
        });
        paths[at].slashed &= slashed;
        for (method, operation) in operations {
            if let Some(operation) = read_operation(method, operation, names) {
                paths[at].operations.push(operation);
            }
        }
    }
    paths
}

fn read_operation(
    method: &str,
    raw: &RawOperation<'static>,
    names: &HashMap<&'static str, usize>,
) -> Option<Operation> {
    let method =
        ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| known.eq_ignore_ascii_case(method))?;
    let (status, answer) = raw.answer();
    let (answer, many) = match answer.map(|answer| of(answer, names)) {
        Some(Of::Object(number)) => (Some(number), false),
        Some(Of::List(ListOf::Objects(number))) => (Some(number), true),
        _ => (None, false),
    };
    let takes = match raw.takes().map(|takes| of(takes, names)) {
        Some(Of::Object(number)) => Some(number),
        _ => None,
    };
    Some(Operation { method, status, answer, many, takes })
}

/// Finds the lists, and gives every path its role.
fn resources(paths: &mut [Path], schemas: &[Schema]) -> Vec<Resource> {
    let mut resources: Vec<Resource> = Vec::new();
    let listed: Vec<String> =
        paths.iter().filter(|path| path.operation("GET").is_some()).map(|path| path.normal.clone()).collect();
    for path in paths.iter_mut() {
        let Some(Operation { answer: Some(schema), many: true, .. }) = path.operation("GET").copied() else { continue };
        // Rows of a list that answer as lists are a slip of the document; without such a list they are lists themselves.
        let of_one = path.normal.strip_suffix("/{}").is_some_and(|list| listed.iter().any(|known| known == list));
        if of_one || path.normal.ends_with("/count") {
            continue;
        }
        let parents = path.steps.iter().filter(|step| matches!(step, super::resource::Step::Parameter)).count();
        let number = resources.len();
        let keyed = schemas.get(schema).and_then(|schema| schema.member("id")).is_some_and(|id| id.of == Of::Whole);
        path.role = Role::List(number);
        resources.push(Resource {
            number,
            template: path.template,
            normal: path.normal.clone(),
            schema,
            parents,
            counts: false,
            shown_of: None,
            parent: None,
            keyed,
        });
    }
    let by_normal: HashMap<String, usize> =
        resources.iter().map(|resource| (resource.normal.clone(), resource.number)).collect();
    for resource in &mut resources {
        let base = resource.normal.strip_suffix("/info").and_then(|base| by_normal.get(base));
        resource.shown_of = base.copied();
        let parent = resource.normal.rsplit_once("/{}").map(|(before, _)| before);
        resource.parent = parent.and_then(|parent| by_normal.get(parent)).copied();
    }
    for path in paths.iter_mut() {
        if matches!(path.role, Role::List(_)) {
            continue;
        }
        path.role = role(path, &by_normal);
        if let Role::Count(number) = path.role {
            resources[number].counts = true;
        }
    }
    resources
}

fn role(path: &Path, lists: &HashMap<String, usize>) -> Role {
    let (before, last) = path.normal.rsplit_once('/').unwrap_or(("", &path.normal));
    match (last, lists.get(before)) {
        ("count", Some(list)) if path.operation("GET").is_some() => return Role::Count(*list),
        ("{}", Some(list)) => return Role::One(*list),
        _ => {}
    }
    let Some(Operation { answer: Some(schema), many: false, .. }) = path.operation("GET").copied() else {
        return Role::Action;
    };
    if last == "info"
        && let Some(list) = before.strip_suffix("/{}").and_then(|list| lists.get(list))
    {
        return Role::Part(*list, schema);
    }
    Role::Single(schema)
}
