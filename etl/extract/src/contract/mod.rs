//! What each table's columns are. The interface document decides, never a sample of the data.
//!
//! [`bronze`] and [`silver`] turn an entity's columns into the Arrow schema of its table; gold's contract is with its
//! models.

mod bronze;
mod extra;
mod silver;

pub use bronze::{CONTENT_HASH, ENTITY, PARENT_ID, RESCUED, RUN_ID, TIMESTAMP, bronze};
pub use connectwise_sdk::arrow::data_type;
pub use extra::ExtraType;
pub use silver::{DECIMAL, Origin, Personal, SilverColumn, instant, silver_columns};
pub use silver::{HISTORY, IS_DELETED, silver};
