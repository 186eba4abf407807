//! Resources whose records belong to more than one collection, called after their paths.
//!
//! A record's own type stands for the collection that owns it; the collections here share their records with others:
//!
//! ```
//! # #[cfg(feature = "project")]
//! # fn example(client: connectwise_sdk::Client) {
//! use connectwise_sdk::resources::ProjectTicketsByParentIdActivities;
//!
//! let activities = client.resource::<ProjectTicketsByParentIdActivities>().under(4711).list();
//! # }
//! ```

#![allow(unused_imports, reason = "not every selection of modules has resources of every kind")]

use crate::models::*;
use crate::resource::{self, Placed, Resource, Under};

include!(concat!(env!("OUT_DIR"), "/resources.rs"));
include!(concat!(env!("OUT_DIR"), "/gated_resources.rs"));
