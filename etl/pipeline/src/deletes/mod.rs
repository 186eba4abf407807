//! Whether rows that a read lacked may be deleted. A right that was lost, a role that was narrowed and a server that works by
//! half look like deletions, so that each way of reading has its limits and its questions here.
//!
//! | module | what it holds |
//! |---|---|
//! | `guard` | what speaks against deleting anything, before any record is asked for: pure |
//! | `children` | the limit for rows below parents that were read |
//! | `visibility` | whether missing rows look like those that a narrowed role hides |
//! | `confirm` | single records: there, gone, or no answer |

pub(crate) mod children;
mod confirm;
mod guard;
mod visibility;

pub(crate) use confirm::{confirm, confirmed, control};
pub use guard::MAX_SHARE;
pub(crate) use guard::{Facts, Guard, Presence, may_delete, verdict};
pub(crate) use visibility::{accepts_all, narrowed};
