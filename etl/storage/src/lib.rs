//! Where a lakehouse is and what it is kept on: its place, the names of its tables and where they are, stores and what opens them, and the
//! error of all crates that keep one. Nothing of Delta or DataFusion.

mod azure;
pub mod error;
mod gcs;
mod location;
mod lock;
mod name;
pub mod objects;
mod refusal;
mod s3;
pub mod sentence;
pub mod shortage;
mod store_options;
mod stores;
mod tokens;
mod words;

pub use error::{Error, Result};
pub use location::{local_path, root};
pub use lock::locked;
pub use name::{Layer, Layout, NoName, TableName};
pub use store_options::StoreOptions;
pub use stores::{store, try_condition};
pub use tokens::{Token, TokenProvider, Tokens};
