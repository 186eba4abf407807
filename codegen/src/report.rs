//! How much of the interface the SDK covers: every operation, with what became of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::Result;
use crate::generate::{Sources, generate};
use crate::selection::Selection;

/// Why an operation that is not excluded is not generated: a mistake of the generator.
const LOST: &str = "lost: neither excluded nor generated";

/// Coverage of the interface.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Pinned version.
    pub version: String,
    /// Operations of the document.
    pub total: usize,
    /// Operations that the SDK has a typed call for.
    pub generated: usize,
    /// Reason -> number of operations that are not generated for it.
    pub not_generated: BTreeMap<String, usize>,
    /// Module -> its numbers.
    pub modules: BTreeMap<String, ModuleReport>,
    /// Every operation.
    pub operations: Vec<OperationReport>,
}

/// Coverage of one module.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ModuleReport {
    /// Operations of the module.
    pub total: usize,
    /// Operations that the SDK has a typed call for.
    pub generated: usize,
}

/// What became of one operation.
#[derive(Debug, Clone, Serialize)]
pub struct OperationReport {
    /// `operationId`.
    pub operation: String,
    /// HTTP method, in lower case.
    pub method: String,
    /// Path as in the document.
    pub path: String,
    /// Module of the path.
    pub module: String,
    /// Where it is generated: resource and verb (`TimeEntry: list`), or a method (`Client::get_system_info`).
    pub generated_as: Option<String>,
    /// Why it is not generated, where it isn't.
    pub reason: Option<String>,
}

/// Accounts for every operation of the document.
///
/// # Errors
/// When the document or the configuration cannot be generated from.
pub fn report(sources: &Sources) -> Result<Report> {
    let generated = generate(sources, &Selection::full(&sources.api))?;
    let mut calls: BTreeMap<&str, String> = BTreeMap::new();
    for resource in &generated.resources {
        for (verb, route) in &resource.verbs {
            calls.insert(&route.operation, format!("{}: {}", resource.name, verb.label()));
        }
    }
    for raw in generated.raws.iter().filter(|raw| !raw.is_verb) {
        calls.insert(&raw.id, format!("Client::{}", raw.name));
    }
    let mut report = Report {
        version: sources.document.version().to_owned(),
        total: 0,
        generated: 0,
        not_generated: BTreeMap::new(),
        modules: BTreeMap::new(),
        operations: Vec::new(),
    };
    for operation in sources.document.operations() {
        let module = sources.api.module(operation.path)?.to_owned();
        let exclusion = sources.api.exclusions.iter().find(|exclusion| exclusion.path == operation.path);
        let generated_as = calls.get(operation.id).cloned();
        let reason = match (&generated_as, exclusion) {
            (Some(_), _) => None,
            (None, Some(exclusion)) => Some(format!("excluded: {}", exclusion.reason)),
            (None, None) => Some(LOST.to_owned()),
        };
        let counts = report.modules.entry(module.clone()).or_default();
        report.total += 1;
        counts.total += 1;
        match &reason {
            Some(reason) => *report.not_generated.entry(reason.clone()).or_default() += 1,
            None => {
                report.generated += 1;
                counts.generated += 1;
            }
        }
        let (operation, method, path) =
            (operation.id.to_owned(), operation.method.to_owned(), operation.path.to_owned());
        report.operations.push(OperationReport { operation, method, path, module, generated_as, reason });
    }
    Ok(report)
}
