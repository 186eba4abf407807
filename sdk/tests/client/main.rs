//! The client against servers on loopback, one that answers from a script and a simulated one: what is sent, how often, and
//! what it is taken for.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests share for library code")]

mod bundles;
mod certificates;
mod codebase;
mod connections;
mod discovery;
mod errors;
mod faults;
mod limits;
mod matrix;
mod observing;
mod paging;
mod pieces;
mod raw;
mod requests;
mod resources;
mod retries;
mod rows;
mod secrets;
mod server;
mod simulator;
mod sizes;
mod smaller_pages;
#[cfg(feature = "arrow")]
mod tables;
mod transfers;
mod transport;
mod writes;
