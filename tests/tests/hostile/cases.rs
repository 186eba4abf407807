//! The cases, by what is odd about the server. Adding one takes three lines: a name, a script, and what is to be said.

mod bodies;
mod counts;
mod encodings;
mod headers;
mod paging;
mod sizes;
mod statuses;
mod times;

use crate::case::Case;

pub(crate) fn all() -> Vec<Case> {
    let groups = [
        statuses::cases(),
        headers::cases(),
        bodies::cases(),
        encodings::cases(),
        sizes::cases(),
        paging::cases(),
        counts::cases(),
        times::cases(),
    ];
    groups.into_iter().flatten().collect()
}
