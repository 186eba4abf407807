//! Typed paths to properties, for conditions.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, NaiveDate, Utc};

use crate::conditions::{self, Condition, Field, Value};
use crate::decimal::Decimal;
use crate::timestamp::Timestamp;

/// Most steps of a path.
const MOST_STEPS: usize = 8;

/// A path to a property: which record it starts at, and what it leads to.
///
/// The generated constants in [`fields`](crate::fields) have one step each; [`then`](Path::then) goes on.
///
/// ```
/// use connectwise_sdk::fields::{company_reference, record_info, time_entry};
/// use connectwise_sdk::models::TimeEntry;
/// use connectwise_sdk::Path;
///
/// const COMPANY_ID: Path<TimeEntry, i32> = time_entry::COMPANY.then(company_reference::ID);
///
/// let mine = COMPANY_ID.eq(250) & time_entry::NOTES.contains("invoice");
/// assert_eq!(mine.to_string(), r#"(company/id = 250 and notes like "*invoice*")"#);
/// assert_eq!(time_entry::INFO.then(record_info::LAST_UPDATED).to_string(), "_info/lastUpdated");
/// ```
///
/// What a property can't be compared with doesn't compile, nor does a path that goes on where it doesn't lead.
pub struct Path<O, V> {
    steps: [&'static str; MOST_STEPS],
    length: usize,
    types: PhantomData<fn() -> (O, V)>,
}

impl<O, V> Path<O, V> {
    /// A path of one step.
    #[must_use]
    pub const fn new(step: &'static str) -> Self {
        let mut steps = [""; MOST_STEPS];
        steps[0] = step;
        Self { steps, length: 1, types: PhantomData }
    }

    /// The path that goes on from where this one leads. Steps beyond the eighth are not taken: records aren't that deep.
    #[must_use]
    pub const fn then<W>(self, next: Path<V, W>) -> Path<O, W> {
        let mut steps = self.steps;
        let mut length = self.length;
        let mut taken = 0;
        while taken < next.length && length < MOST_STEPS {
            steps[length] = next.steps[taken];
            length += 1;
            taken += 1;
        }
        Path { steps, length, types: PhantomData }
    }

    /// The property, to be compared with values of any type.
    #[must_use]
    pub fn field(self) -> Field {
        conditions::field(self)
    }

    /// Equal.
    pub fn eq(self, value: impl Operand<V>) -> Condition {
        self.field().eq(value)
    }

    /// Not equal.
    pub fn ne(self, value: impl Operand<V>) -> Condition {
        self.field().ne(value)
    }

    /// Less, or earlier.
    pub fn lt(self, value: impl Operand<V>) -> Condition {
        self.field().lt(value)
    }

    /// At most, or not later.
    pub fn le(self, value: impl Operand<V>) -> Condition {
        self.field().le(value)
    }

    /// More, or later.
    pub fn gt(self, value: impl Operand<V>) -> Condition {
        self.field().gt(value)
    }

    /// At least, or not earlier.
    pub fn ge(self, value: impl Operand<V>) -> Condition {
        self.field().ge(value)
    }

    /// Equal to one of `values`, of which there is at least one: the query language has no empty list.
    pub fn in_<T: Operand<V>>(self, values: impl IntoIterator<Item = T>) -> Condition {
        self.field().in_(values)
    }

    /// Equal to none of `values`, of which there is at least one. A record without a value doesn't meet it.
    pub fn not_in<T: Operand<V>>(self, values: impl IntoIterator<Item = T>) -> Condition {
        self.field().not_in(values)
    }

    /// The order by this property for [`order_by`](crate::ItemList::order_by), smallest, earliest or first in the alphabet first.
    #[must_use]
    pub fn asc(self) -> Order {
        Order(format!("{self} asc"))
    }

    /// The order by this property for [`order_by`](crate::ItemList::order_by), largest, latest or last in the alphabet first.
    #[must_use]
    pub fn desc(self) -> Order {
        Order(format!("{self} desc"))
    }

    /// No value.
    #[must_use]
    pub fn is_null(self) -> Condition {
        self.field().is_null()
    }

    /// Any value.
    #[must_use]
    pub fn is_not_null(self) -> Condition {
        self.field().is_not_null()
    }
}

impl<O> Path<O, String> {
    /// Text like a pattern, in which `*` stands for anything.
    pub fn like(self, pattern: impl Into<Value>) -> Condition {
        self.field().like(pattern)
    }

    /// Text that isn't like a pattern.
    pub fn not_like(self, pattern: impl Into<Value>) -> Condition {
        self.field().not_like(pattern)
    }

    /// Text that starts with `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn starts_with(self, literal: &str) -> Condition {
        self.field().starts_with(literal)
    }

    /// Text that ends with `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn ends_with(self, literal: &str) -> Condition {
        self.field().ends_with(literal)
    }

    /// Text that holds `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn contains(self, literal: &str) -> Condition {
        self.field().contains(literal)
    }
}

/// By what a list is ordered: `ticket::PRIORITY.then(priority_reference::SORT).desc().then(ticket::ID.asc())`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order(String);

impl Order {
    /// What decides where this doesn't.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self(format!("{self},{next}"))
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Order> for String {
    fn from(order: Order) -> Self {
        order.0
    }
}

impl<O, V> Clone for Path<O, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<O, V> Copy for Path<O, V> {}

impl<O, V> fmt::Debug for Path<O, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Path").field(&self.to_string()).finish()
    }
}

impl<O, V> fmt::Display for Path<O, V> {
    /// The path as conditions, `fields` and `orderBy` write it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().take(self.length).enumerate() {
            f.write_str(if index == 0 { "" } else { "/" })?;
            f.write_str(step)?;
        }
        Ok(())
    }
}

impl<O, V> From<Path<O, V>> for String {
    fn from(path: Path<O, V>) -> Self {
        path.to_string()
    }
}

impl<O, V> From<Path<O, V>> for Cow<'static, str> {
    fn from(path: Path<O, V>) -> Self {
        match path.length {
            1 => Cow::Borrowed(path.steps[0]),
            _ => Cow::Owned(path.to_string()),
        }
    }
}

/// What a property of type `V` can be compared with.
pub trait Operand<V>: Into<Value> {}

impl Operand<i32> for i32 {}
impl Operand<i32> for i64 {}
impl Operand<i64> for i32 {}
impl Operand<i64> for i64 {}
impl Operand<f64> for i32 {}
impl Operand<f64> for i64 {}
impl Operand<f64> for f64 {}
impl Operand<f64> for Decimal {}
impl Operand<String> for &str {}
impl Operand<String> for &String {}
impl Operand<String> for String {}
impl Operand<bool> for bool {}
impl Operand<Timestamp> for DateTime<Utc> {}
impl Operand<Timestamp> for NaiveDate {}
// Some dates are declared as text.
impl Operand<String> for DateTime<Utc> {}
impl Operand<String> for NaiveDate {}
impl<V> Operand<V> for Value {}

/// The object `_info` of a record: when it was changed, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordInfo {}
