//! Where queries and models are computed: DataFusion sessions that share a bounded memory, and temporary files for what has no room in
//! it.

mod error;
mod machine;
mod memory;
mod session;
mod spill;

pub use error::sql_error;
pub use memory::{Memory, memory_size};
pub use session::session;
