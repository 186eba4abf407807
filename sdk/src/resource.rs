//! Resources: what a record type is called, where it lives, and which verbs the API has for it.
//!
//! Each verb is a marker trait that is implemented only where the interface document has the operation, so that a call
//! of a verb that the API lacks does not compile, nor does one before all parents are named:
//!
//! ```
//! fn delete<R: connectwise_sdk::resource::Delete>() {}
//! delete::<connectwise_sdk::models::TimeEntry>();
//! ```
//! ```
//! # #[cfg(feature = "finance")]
//! # fn example(client: connectwise_sdk::Client) {
//! let additions = client.resource::<connectwise_sdk::models::Addition>().under(250);
//! let listing = additions.list();
//! # }
//! ```

use std::marker::PhantomData;

use crate::record::Record;

include!(concat!(env!("OUT_DIR"), "/version.rs"));

/// A collection of the API, together with what its records are.
///
/// Where one collection clearly owns its records, their own type stands for it: `TimeEntry` is the resource at
/// `/time/entries`. Other collections of the same records have a type in [`resources`](crate::resources).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no resource of the modules that are enabled",
    label = "not a resource here",
    note = "a resource comes with the feature of its module, for example `features = [\"finance\"]`, or with `full`; records that \
            only stand in others are none"
)]
pub trait Resource: Send + Sync + 'static {
    /// Type of the records.
    type Record: Record;
    /// Which parents have to be named before the collection can be asked: [`Placed`] for none, `Under<Placed>` for one,
    /// `Under<Under<Placed>>` for two.
    type Place;
    /// Path of the collection below the API root, for example `/time/entries`. Parents stand in braces:
    /// `/finance/agreements/{parentId}/additions`.
    const PATH: &'static str;
}

/// A collection whose parents are all named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Placed;

/// A collection that lacks one parent more than `P`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Under<P>(PhantomData<P>);

/// `GET` of the collection.
pub trait List: Resource {}

/// `GET` of the number of records.
pub trait Count: Resource {
    /// Path of the count operation, for example `/time/entries/count`.
    const COUNT_PATH: &'static str;
}

/// `GET` of one record by id.
pub trait Get: Resource {
    /// Path of the record, if it isn't [`Resource::PATH`] and the id.
    const GET_PATH: Option<&'static str> = None;
}

/// `POST` of a new record.
pub trait Create: Resource {
    /// Path to post to, if it isn't [`Resource::PATH`].
    const CREATE_PATH: Option<&'static str> = None;
}

/// `PUT` of a whole record by id.
pub trait Replace: Resource {
    /// Path of the record, if it isn't [`Resource::PATH`] and the id.
    const REPLACE_PATH: Option<&'static str> = None;
}

/// `PATCH` of single properties by id.
pub trait Patch: Resource {
    /// Path of the record, if it isn't [`Resource::PATH`] and the id.
    const PATCH_PATH: Option<&'static str> = None;
}

/// `DELETE` by id.
pub trait Delete: Resource {
    /// Path of the record, if it isn't [`Resource::PATH`] and the id.
    const DELETE_PATH: Option<&'static str> = None;
}

/// A template with parents, and after them the id, in place of the braces.
pub(crate) fn fill(template: &str, parents: &[i64], id: Option<i64>) -> String {
    let mut values = parents.iter().copied().chain(id);
    let mut path = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, behind)) = after.split_once('}') else { break };
        path.push_str(before);
        if let Some(value) = values.next() {
            path.push_str(&value.to_string());
        }
        rest = behind;
    }
    path + rest
}

#[cfg(test)]
mod tests {
    use super::fill;

    #[test]
    fn parents_and_the_id_fill_the_template_in_order() {
        assert_eq!(fill("/time/entries", &[], None), "/time/entries");
        assert_eq!(fill("/a/{grandparentId}/b/{parentId}/c", &[1, 2], None), "/a/1/b/2/c");
        assert_eq!(fill("/a/{parentId}/b/{id}/info", &[1], Some(3)), "/a/1/b/3/info");
    }
}
