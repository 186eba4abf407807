//! What a typed listing takes: conditions, orders and names of properties of its own records, or texts that nothing checks.

use crate::conditions::Untyped;
use crate::{Condition, Order, Path, Record};

/// What says which records of type `R` there are to be: a condition on them, one on any records, or text in the API's query
/// language.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no condition on records of type `{R}`",
    label = "not a condition on these records",
    note = "a listing takes conditions of its own records' paths in `connectwise_sdk::fields`, those of `conditions::field`, and text"
)]
pub trait ConditionsOf<R>: Into<Condition> {}

impl<R: Record> ConditionsOf<R> for Condition<R> {}
impl<R: Record> ConditionsOf<R> for Condition {}
impl ConditionsOf<Untyped> for Condition {}
impl<R> ConditionsOf<R> for &str {}
impl<R> ConditionsOf<R> for String {}

/// In which order records of type `R` are to come: one or several orders by their properties, or text such as
/// `priority/sort asc, id`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no order of records of type `{R}`",
    label = "not an order of these records",
    note = "a listing is ordered by its own records' paths in `connectwise_sdk::fields`, as `ticket::ID.desc()`, or by text"
)]
pub trait OrderOf<R> {
    /// As `orderBy` has it.
    fn into_order(self) -> String;
}

impl<R> OrderOf<R> for Order<R> {
    fn into_order(self) -> String {
        self.into()
    }
}

impl<R, V> OrderOf<R> for Path<R, V> {
    fn into_order(self) -> String {
        self.into()
    }
}

impl<R, const N: usize> OrderOf<R> for [Order<R>; N] {
    fn into_order(self) -> String {
        joined(self.map(String::from))
    }
}

impl<R> OrderOf<R> for Vec<Order<R>> {
    fn into_order(self) -> String {
        joined(self.into_iter().map(String::from))
    }
}

/// Which properties of records of type `R` are to come: one path, an array or a tuple of them, or text such as `id,company/id`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` names no properties of records of type `{R}`",
    label = "not properties of these records",
    note = "a listing takes its own records' paths in `connectwise_sdk::fields`, as `(ticket::ID, ticket::SUMMARY)`, or text"
)]
pub trait FieldsOf<R> {
    /// As `fields` has it.
    fn into_fields(self) -> String;
}

impl<R, V> FieldsOf<R> for Path<R, V> {
    fn into_fields(self) -> String {
        self.into()
    }
}

impl<R, F: FieldsOf<R>, const N: usize> FieldsOf<R> for [F; N] {
    fn into_fields(self) -> String {
        joined(self.map(F::into_fields))
    }
}

impl<R, F: FieldsOf<R>> FieldsOf<R> for Vec<F> {
    fn into_fields(self) -> String {
        joined(self.into_iter().map(F::into_fields))
    }
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl<R> OrderOf<R> for $text {
            fn into_order(self) -> String {
                self.into()
            }
        }

        impl<R> FieldsOf<R> for $text {
            fn into_fields(self) -> String {
                self.into()
            }
        }
    )*};
}

texts!(&str, &String, String);

/// Paths lead to values of different types, so that no array holds them.
macro_rules! tuples {
    ($($first:ident $($rest:ident)*;)*) => {$(
        impl<R, $first: FieldsOf<R>, $($rest: FieldsOf<R>),*> FieldsOf<R> for ($first, $($rest),*) {
            #[allow(non_snake_case, reason = "the values are called after their types")]
            fn into_fields(self) -> String {
                let ($first, $($rest),*) = self;
                joined([$first.into_fields(), $($rest.into_fields()),*])
            }
        }
    )*};
}

tuples! {
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
    A B C D E F G H I J;
    A B C D E F G H I J K;
    A B C D E F G H I J K L;
}

fn joined(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Ticket {}

    const ID: Path<Ticket, i32> = Path::new("id");
    const SUMMARY: Path<Ticket, String> = Path::new("summary");

    #[test]
    fn properties_are_named_one_after_the_other() {
        fn written(fields: impl FieldsOf<Ticket>) -> String {
            fields.into_fields()
        }
        assert_eq!(written(ID), "id");
        assert_eq!(written((ID, SUMMARY)), "id,summary");
        assert_eq!(written((ID, (SUMMARY, "board/name"))), "id,summary,board/name");
        assert_eq!(written(["id", "summary"]), "id,summary");
        assert_eq!(written(vec![ID]), "id");
        let text = "id, summary".to_owned();
        assert_eq!(written(&text), text);
    }

    #[test]
    fn orders_follow_each_other() {
        fn written(order: impl OrderOf<Ticket>) -> String {
            order.into_order()
        }
        assert_eq!(written(SUMMARY.desc()), "summary desc");
        assert_eq!(written([SUMMARY.desc(), ID.asc()]), "summary desc,id asc");
        assert_eq!(written(vec![SUMMARY.desc().then(ID.asc())]), "summary desc,id asc");
        assert_eq!(written(ID), "id");
        assert_eq!(written("summary desc"), "summary desc");
    }
}
