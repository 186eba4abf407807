//! The client against a server on loopback that answers from a script: what is sent, how often, and what it is taken for.

#![allow(clippy::unwrap_used, reason = "clippy takes what tests share for library code")]

mod errors;
mod paging;
mod requests;
mod resources;
mod retries;
mod server;
