//! The generated operations: the request of each, compared with the interface document; how they end when the server fails; and the
//! faults of progenitor that the SDK mends.

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
