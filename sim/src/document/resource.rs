//! Paths of the interface document and the resources behind them.

/// A step of a path template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Name(&'static str),
    Parameter,
}

/// An operation of a path.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// In capitals.
    pub(crate) method: &'static str,
    /// The status of success.
    pub(crate) status: u16,
    /// The schema of the answer, where it is an object or a list of them.
    pub(crate) answer: Option<usize>,
    /// Whether the answer is a list of such.
    pub(crate) many: bool,
    /// The schema of the body.
    pub(crate) takes: Option<usize>,
}

/// What a path is for; numbers are those of resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    List(usize),
    Count(usize),
    One(usize),
    /// Part of a row: the same record in another schema.
    Part(usize, usize),
    /// An object of this schema that there is once.
    Single(usize),
    /// Something to be done, or bytes.
    Action,
}

impl Role {
    #[cfg(test)]
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::List(_) => "list",
            Self::Count(_) => "count",
            Self::One(_) => "one",
            Self::Part(..) => "part",
            Self::Single(_) => "single",
            Self::Action => "action",
        }
    }
}

/// A path template and its operations.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) template: &'static str,
    /// Whether the document writes it with a slash at its end, and never without.
    pub(crate) slashed: bool,
    pub(super) normal: String,
    pub(super) steps: Vec<Step>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) role: Role,
}

/// A path that was asked for, and what its parameters are.
#[derive(Debug)]
pub(crate) struct Matched<'d, 'a> {
    pub(crate) path: &'d Path,
    pub(crate) arguments: Vec<&'a str>,
}

/// A list of rows.
#[derive(Debug)]
pub(crate) struct Resource {
    pub(crate) number: usize,
    /// The list path below the API's root, without a slash at its end.
    pub(crate) template: &'static str,
    pub(super) normal: String,
    pub(crate) schema: usize,
    /// How many parents name a list of it: 0 to 2, and rarely more.
    pub(crate) parents: usize,
    pub(crate) counts: bool,
    /// The list whose rows these are, shown in fewer properties.
    pub(crate) shown_of: Option<usize>,
    /// The list whose rows are the parents.
    pub(crate) parent: Option<usize>,
    /// Whether rows have a whole number as `id`.
    pub(crate) keyed: bool,
}

/// A path in lower case with anonymous parameters and no slash at its end.
pub(super) fn normal(path: &str) -> String {
    let steps: Vec<String> = path
        .trim_matches('/')
        .split('/')
        .map(|step| if step.starts_with('{') { "{}".to_owned() } else { step.to_ascii_lowercase() })
        .collect();
    steps.join("/")
}

impl Path {
    pub(super) fn steps(template: &'static str) -> Vec<Step> {
        template
            .trim_matches('/')
            .split('/')
            .map(|step| if step.starts_with('{') { Step::Parameter } else { Step::Name(step) })
            .collect()
    }

    /// The template in lower case, with `{}` for every parameter.
    pub(crate) fn anonymous(&self) -> String {
        format!("/{}", self.normal)
    }

    pub(super) fn matches<'a>(&self, steps: &[&'a str]) -> Option<Matched<'_, 'a>> {
        let mut arguments = Vec::new();
        for (step, given) in self.steps.iter().zip(steps) {
            match step {
                Step::Name(name) if name.eq_ignore_ascii_case(given) => {}
                Step::Parameter if !given.is_empty() => arguments.push(*given),
                _ => return None,
            }
        }
        Some(Matched { path: self, arguments })
    }

    pub(crate) fn operation(&self, method: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.method == method)
    }
}
