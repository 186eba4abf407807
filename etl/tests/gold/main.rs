//! Gold over a hand-made tenant: every expected value here was worked out by hand from the contract of the star schema.

mod facts;
mod rebuild;
mod schema;
mod tenant;
