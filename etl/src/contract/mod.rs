//! What each table's columns are. The interface document decides, never a sample of the data.
//!
//! [`bronze`] and [`silver`] turn an entity's columns into the Arrow schema of its table; gold's contract is with its
//! models.

mod bronze;
mod silver;

pub use bronze::{bronze, data_type, CONTENT_HASH, ENTITY, RESCUED, RUN_ID, TIMESTAMP};
pub use silver::{silver, IS_DELETED};
pub(crate) use silver::{instant, silver_columns, Origin, SilverColumn, DECIMAL};
