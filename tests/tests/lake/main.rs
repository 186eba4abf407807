//! The lakehouse as a whole, over the simulator. One program, so that it is linked once and its tests share the cores.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod alike;
mod beside;
mod children;
mod damage;
mod dates;
mod days;
mod faults;
mod full_loads;
mod gold_histories;
mod guards;
mod halts;
mod kill;
mod ledger;
mod new_table;
mod optional;
mod others;
mod outsiders;
mod quarantine;
mod requests;
mod samples;
mod secrets;
mod steer;
mod tenants;
mod truth;
mod unreadable;
mod watermark;
mod whole_way;
