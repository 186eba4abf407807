//! The lakehouse as a whole, over the simulator. One program, so that it is linked once and its tests share the cores.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test fails by panicking, and shows what it did"
)]

mod alike;
mod beside;
mod by_hand;
mod children;
mod damage;
mod dates;
mod days;
mod faults;
#[cfg(unix)]
mod full_disk;
mod full_loads;
mod fuzzed;
mod gold_histories;
mod gold_measures;
mod gold_money;
mod guards;
mod halts;
mod kill;
mod ledger;
mod loaded;
mod log_opens;
mod mixes;
mod network;
mod new_table;
mod optional;
mod others;
mod outsiders;
mod quarantine;
mod requests;
mod samples;
mod secrets;
mod source;
mod steer;
mod store;
mod switching;
mod tenants;
mod truth;
mod two_runs;
mod typed_tables;
mod unreadable;
mod unseen;
mod watermark;
mod whole_way;

// The targets and what feeds them are shared with libFuzzer's programs and with those that link no lakehouse.
#[path = "../../fuzz/src/etl.rs"]
mod etl;
#[path = "../../fuzz/src/mutate.rs"]
mod mutate;
#[path = "../../../etl/extract/tests/decode/tree.rs"]
mod tree;
mod draws {
    pub(crate) use connectwise_tests::Draws;
}
