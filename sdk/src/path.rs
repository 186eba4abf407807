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

/// A property that refers to another record by its id.
pub trait Reference {
    /// Type of the id.
    type Id;
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

    /// The id of the record that is referred to: `ticket::BOARD.id().eq(2)`.
    ///
    /// ```
    /// use connectwise_sdk::fields::time_entry;
    ///
    /// assert_eq!(time_entry::COMPANY.id().in_([2, 250]).to_string(), "company/id in (2,250)");
    /// ```
    #[must_use]
    pub const fn id(self) -> Path<O, V::Id>
    where
        V: Reference,
    {
        self.then(Path::new("id"))
    }

    /// The property, to be compared with values of any type, in conditions [of no record type](conditions::Untyped).
    #[must_use]
    pub fn field(self) -> Field {
        conditions::field(self)
    }

    /// Equal.
    pub fn eq(self, value: impl Operand<V>) -> Condition<O> {
        self.field().eq(value).of()
    }

    /// Not equal.
    pub fn ne(self, value: impl Operand<V>) -> Condition<O> {
        self.field().ne(value).of()
    }

    /// Less, or earlier.
    pub fn lt(self, value: impl Operand<V>) -> Condition<O> {
        self.field().lt(value).of()
    }

    /// At most, or not later.
    pub fn le(self, value: impl Operand<V>) -> Condition<O> {
        self.field().le(value).of()
    }

    /// More, or later.
    pub fn gt(self, value: impl Operand<V>) -> Condition<O> {
        self.field().gt(value).of()
    }

    /// At least, or not earlier.
    pub fn ge(self, value: impl Operand<V>) -> Condition<O> {
        self.field().ge(value).of()
    }

    /// Equal to one of `values`, of which there is at least one: the query language has no empty list.
    pub fn in_<T: Operand<V>>(self, values: impl IntoIterator<Item = T>) -> Condition<O> {
        self.field().in_(values).of()
    }

    /// Equal to none of `values`, of which there is at least one. A record without a value doesn't meet it.
    pub fn not_in<T: Operand<V>>(self, values: impl IntoIterator<Item = T>) -> Condition<O> {
        self.field().not_in(values).of()
    }

    /// The order by this property for [`order_by`](crate::ItemList::order_by), smallest, earliest or first in the alphabet first.
    #[must_use]
    pub fn asc(self) -> Order<O> {
        Order(format!("{self} asc"), PhantomData)
    }

    /// The order by this property for [`order_by`](crate::ItemList::order_by), largest, latest or last in the alphabet first.
    #[must_use]
    pub fn desc(self) -> Order<O> {
        Order(format!("{self} desc"), PhantomData)
    }

    /// No value.
    #[must_use]
    pub fn is_null(self) -> Condition<O> {
        self.field().is_null().of()
    }

    /// Any value.
    #[must_use]
    pub fn is_not_null(self) -> Condition<O> {
        self.field().is_not_null().of()
    }
}

impl<O> Path<O, String> {
    /// Text like a pattern, in which `*` stands for anything.
    pub fn like(self, pattern: impl Into<Value>) -> Condition<O> {
        self.field().like(pattern).of()
    }

    /// Text that isn't like a pattern.
    pub fn not_like(self, pattern: impl Into<Value>) -> Condition<O> {
        self.field().not_like(pattern).of()
    }

    /// Text that starts with `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn starts_with(self, literal: &str) -> Condition<O> {
        self.field().starts_with(literal).of()
    }

    /// Text that ends with `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn ends_with(self, literal: &str) -> Condition<O> {
        self.field().ends_with(literal).of()
    }

    /// Text that holds `literal`, in which a wildcard can't be said.
    #[must_use]
    pub fn contains(self, literal: &str) -> Condition<O> {
        self.field().contains(literal).of()
    }
}

/// By what a list of records of type `O` is ordered: one property, or several of them one after the other, as in
/// `[ticket::PRIORITY.then(priority_reference::SORT).desc(), ticket::ID.asc()]`.
pub struct Order<O>(String, PhantomData<fn() -> O>);

impl<O> Order<O> {
    /// What decides where this doesn't.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self(format!("{self},{next}"), PhantomData)
    }
}

// Derives would ask for more of the record type, which is but a name.
impl<O> Clone for Order<O> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<O> PartialEq for Order<O> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<O> Eq for Order<O> {}

impl<O> fmt::Debug for Order<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Order").field(&self.0).finish()
    }
}

impl<O> fmt::Display for Order<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<O> From<Order<O>> for String {
    fn from(order: Order<O>) -> Self {
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
