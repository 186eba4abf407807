//! Operations by themselves: what each of them sends, held against the interface document; what becomes of them under faults; and what
//! progenitor alone would do badly.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "what the tests of the client share is more than these need")]

mod calls;
mod ends;
mod faults;
#[path = "../client/server.rs"]
mod server;
mod simulated;
#[path = "../client/simulator.rs"]
mod simulator;
