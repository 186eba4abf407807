//! Setters of records: a record is written property by property.
//!
//! They are generated for the records that a program sends. There is no constructor that asks for what the document requires: the next
//! version of the document may require more, and would break its callers. [`Record::validate`](crate::Record::validate) tells what is missing.

/// Gives a record a setter for each property.
#[allow(unused_macros, reason = "not every selection of modules has records that are sent")]
macro_rules! setters {
    ($ty:ident { $($setter:ident($field:ident: $value:ty),)* }) => {
        impl $ty {
            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                #[allow(clippy::useless_conversion, reason = "most fields aren't boxed")]
                pub fn $setter(mut self, value: impl Into<$value>) -> Self {
                    let value: $value = value.into();
                    // A record within its own type is boxed.
                    self.$field = Some(From::from(value));
                    self
                }
            )*
        }
    };
}
#[allow(unused_imports, reason = "not every selection of modules has records that are sent")]
pub(crate) use setters;
