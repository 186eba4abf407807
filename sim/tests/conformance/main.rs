//! The simulator over HTTP, asked by a plain client. What is expected comes from the facts about the API, and for rows from a
//! naive evaluation over the truth; never from a recorded answer of the simulator.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a helper of a test fails the test")]

mod actions;
mod advance;
mod below;
mod billing;
mod business;
mod calls;
mod client;
mod conditions;
mod data;
mod errors;
mod faults;
mod fields;
mod lifecycle;
mod origin;
mod paging;
mod samples;
mod time;
mod traffic;
mod wire;
mod year;
