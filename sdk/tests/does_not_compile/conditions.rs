//! A property compared with what it can't be, and a path that goes on where it doesn't lead.

use connectwise_sdk::fields::{agreement, time_entry};

fn main() {
    let _ = time_entry::ACTUAL_HOURS.eq(true);
    let _ = time_entry::COMPANY.then(agreement::ID);
}
