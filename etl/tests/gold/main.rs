//! Gold over a hand-made tenant: every expected value here was worked out by hand from the contract of the star schema.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod facts;
mod invoice_lines;
mod rebuild;
mod schema;
mod tenant;
mod tested;
