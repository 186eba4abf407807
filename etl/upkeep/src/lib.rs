//! The upkeep of a lakehouse: whether its tables can be read, hold what their logs say and are as this program left them; mending those that
//! can't be read; putting small files together, and removing what nothing needs any more.

mod damage;
mod error;
mod inspect;
mod leftovers;
mod maintain;
mod mend;
mod reshape;
mod trust;

pub use damage::{Checked, Damage, checked, damage, damage_in_files};
pub use inspect::{Found, Inspected, inspect};
pub use leftovers::{Cleared, Window, clear_leftovers};
pub use maintain::{MaintenanceMetrics, MaintenanceOptions, maintain};
pub use mend::{Mended, mend, was_set_aside};
pub use reshape::straighten;
pub use trust::{Doubt, Examined, Foreign, believed, examine, has_commit, whole_at};
