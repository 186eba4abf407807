//! Operations that are no verb of a resource: copies, bulk changes, conversions, searches by body, images, documents.
//!
//! One function each, by module, called after the operation; it takes what the path and the body need and gives an
//! [`Operation`], which [`Client::call`](crate::Client::call) sends:
//!
//! ```no_run
//! # #[cfg(feature = "service")]
//! # async fn example(client: connectwise_sdk::Client) -> connectwise_sdk::Result<()> {
//! use connectwise_sdk::{models::FilterValues, operations::service};
//!
//! let filter = FilterValues { conditions: Some("closedFlag = false".to_owned()), ..FilterValues::default() };
//! let tickets = client.call(service::post_tickets_search(&filter).query("pageSize", "100")).await?;
//! let copy = client.call(service::post_tickets_by_id_copy(4711)).await?;
//! # Ok(())
//! # }
//! ```

#![allow(unused_imports, reason = "not every selection of modules has operations of every kind")]

use serde_json::Value;

use crate::download::Download;
use crate::models::*;
use crate::multipart::Multipart;
use crate::operation::{Json, Nothing, Operation, Records};
use crate::patch::Patch;
use crate::request::Method;
use crate::timestamp::Timestamp;

include!(concat!(env!("OUT_DIR"), "/operations.rs"));
