//! What each table's columns are. The interface document decides, never a sample of the data.
//!
//! [`bronze`] turns an entity's columns into the Arrow schema of its bronze table; silver's contract is with silver.

mod bronze;

pub use bronze::{bronze, data_type, CONTENT_HASH, ENTITY, RESCUED, RUN_ID, TIMESTAMP};
