//! The table catalogue: what each lake entity is called, where it is listed, how it is kept fresh and which columns it has.
//!
//! The types are written here, the values are generated: the build script turns `openapi/lake.toml` and the interface
//! document into [`ENTITIES`](crate::lake::ENTITIES). Everything is `'static` data, so that an ETL can walk it without
//! knowing one entity from another.

/// A resource that becomes a table in the lakehouse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entity {
    /// What people call it, for example `TimeEntry`: the name of its schema in the interface document, or a clearer one.
    pub name: &'static str,
    /// Name part of every table made from it: its name in lower case, for example `timeentry`.
    pub table: &'static str,
    /// List path below the API root, for example `/time/entries`; with the id of the parent in braces where the list hangs on
    /// one, `/finance/agreements/{parentId}/additions`.
    pub path: &'static str,
    /// Path of the count operation, where the API has one.
    pub count_path: Option<&'static str>,
    /// Resource type of the list in bundles, for example `company`; `None` for child lists, which have [`Parent::bundle`], and
    /// if another list without a parent has the same name.
    pub bundle: Option<&'static str>,
    /// Property that identifies a record.
    pub key: &'static str,
    /// Where rows go that leave the list in numbers as work is done, so that a large share that is missing is nothing odd.
    pub drains: Option<Drain>,
    /// How the table is kept fresh.
    pub load: Load,
    /// Columns, sorted by name as in the interface document.
    pub columns: &'static [Column],
    /// Whether every version of a record is of interest, and not only its newest.
    pub history: bool,
    /// Whether it is loaded only where somebody asks for it by name: it takes many requests, and few people need it.
    pub on_request: bool,
}

impl Entity {
    /// What its lists hang on, where they hang on something.
    #[must_use]
    pub fn parent(&self) -> Option<&Parent> {
        match &self.load {
            Load::Children(parent) => Some(parent),
            Load::Incremental { .. } | Load::Snapshot => None,
        }
    }
}

/// How a table is kept fresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Load {
    /// Rows changed since the highest server time seen, widened by windows over business dates.
    Incremental {
        /// Path of the change time as conditions write it, for example `_info/lastUpdated`.
        watermark: &'static str,
        /// Business-date windows that widen the request, because not every change moves the change time.
        windows: &'static [Window],
    },
    /// The whole list each time, compared with what is stored.
    Snapshot,
    /// Lists that hang on the rows of another entity: those of changed parents, and the others by turns.
    Children(Parent),
}

/// The entity on whose rows lists hang, and how they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Its name: an entity with a list of its own.
    pub entity: &'static str,
    /// Path of the property by which a record names its parent, where there is one: `agreementId`, `company/id`.
    pub property: Option<&'static str>,
    /// The parents that have such a list, where not all do: a condition in the API's query language.
    pub conditions: Option<&'static str>,
    /// What bundles call the list, for example `purchaseorderlineitem`.
    pub bundle: &'static str,
    /// Days in which the rolling refresh reads every child list once, whether its parent changed or not; at least 1. Daily runs
    /// take as many.
    pub runs: u32,
}

/// Where rows of a list are found again once the work at them is done, and they are on the list no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drain {
    /// Name of the entity that they become.
    pub into: &'static str,
    /// Property by which a row names the record that it becomes: its key.
    pub by: &'static str,
    /// Property that such a record has from then on, and not before.
    pub shows: &'static str,
}

/// Rows whose business date is at most so old are read again in every incremental run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Property that holds the date.
    pub field: &'static str,
    /// Days before the watermark.
    pub days: u32,
}

/// One property of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Wire name.
    pub name: &'static str,
    /// Shape on the wire.
    pub kind: Kind,
    /// What the value means beyond its shape.
    pub meaning: Meaning,
}

/// The shape of a value on the wire, as far as the interface document states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JSON integer of 32 bits.
    Int32,
    /// JSON integer of 64 bits.
    Int64,
    /// JSON boolean.
    Boolean,
    /// JSON number.
    Double,
    /// Text that the document declares as `date-time`.
    Timestamp,
    /// Any other text: plain, enumerated or a uuid.
    Utf8,
    /// A value whose type the document doesn't say, or says wrongly: kept as JSON text.
    Json,
    /// An object of texts, as `_info`.
    StringMap,
    /// An object with known properties.
    Struct(&'static [Column]),
    /// An array.
    List(&'static Kind),
}

/// What a value means beyond its shape. `openapi/lake.toml` declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Meaning {
    /// Just its shape.
    #[default]
    Plain,
    /// Money, a rate, hours or a quantity, be it a number or a text: a decimal with four places.
    Decimal,
    /// A calendar day, be it declared as `date-time` or as text: never shifted between time zones.
    Date,
    /// An instant written into a property that is declared as plain text.
    Instant,
    /// A secret: never leaves bronze, never shown.
    Secret,
    /// Personal data that no report needs.
    Personal,
    /// The name of a person who is no member: personal, and what reports show of a contact.
    Name,
}
