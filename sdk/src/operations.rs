//! Operations by themselves: copies, merges, bulk changes, conversions, searches by body, images, documents; with the feature
//! `raw`, each operation of the enabled modules.
//!
//! Each is a method of [`Client`](crate::Client), called after its method and path: `POST /service/tickets/{parentId}/merge` is
//! `client.post_service_tickets_merge()`. It gives an operation, which takes its parameters one by one and is sent by `send`:
//!
//! ```no_run
//! # #[cfg(feature = "service")]
//! # async fn example(client: connectwise_sdk::Client) -> connectwise_sdk::Result<()> {
//! use connectwise_sdk::models::FilterValues;
//!
//! let filter = FilterValues { conditions: Some("closedFlag = false".to_owned()), ..FilterValues::default() };
//! let tickets = client.post_service_tickets_search().body(filter).with_query("pageSize", "100").send().await?;
//! let copy = client.post_service_tickets_copy().id(4711).send().await?;
//! # Ok(())
//! # }
//! ```
//!
//! What is missing, or can't be a part of a path, is told when it is sent, and then nothing is sent. Requests, repetitions, limits and errors
//! are those of the client. With `raw` there is an operation for lists, too, which gives one page of them: whoever wants all records takes
//! [`Client::resource`](crate::Client::resource).

#![allow(unused_imports, reason = "not every selection of modules has operations of every kind")]
#![allow(missing_docs, reason = "the interface document has no prose: names are all it says")]
#![allow(clippy::all, clippy::allow_attributes_without_reason, reason = "progenitor's text")]

use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};

// progenitor calls who sends an operation its client.
use crate::sender::Sender as Client;
use crate::sender::{ByteStream, ResponseValue, Sender, encode_path, operation};

include!(concat!(env!("OUT_DIR"), "/operations.rs"));
