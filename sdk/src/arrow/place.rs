//! Where in a record a value stands.

/// A place, known by the steps that lead to it. It is only written out when there is something to say about it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place<'a> {
    Record,
    Property(&'a Place<'a>, &'a str),
    Element(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// As a JSON pointer: `/company/id`.
    pub(super) fn pointer(&self) -> String {
        match self {
            Self::Record => String::new(),
            Self::Property(above, name) => {
                format!("{}/{}", above.pointer(), name.replace('~', "~0").replace('/', "~1"))
            }
            Self::Element(above, index) => format!("{}/{index}", above.pointer()),
        }
    }

    /// As errors name it: `company.id`, and `.` for the record itself.
    pub(super) fn path(&self) -> String {
        match self {
            Self::Record => ".".to_owned(),
            Self::Property(Self::Record, name) => (*name).to_owned(),
            Self::Property(above, name) => format!("{}.{name}", above.path()),
            Self::Element(Self::Record, index) => format!("[{index}]"),
            Self::Element(above, index) => format!("{}[{index}]", above.path()),
        }
    }
}

/// Why a value can be neither stored nor given back, and where it stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    pub(super) path: String,
    pub(super) expected: String,
}

impl Misfit {
    pub(super) fn at(place: &Place<'_>, expected: &str) -> Self {
        Self { path: place.path(), expected: format!("expected {expected}") }
    }
}
