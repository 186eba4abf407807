//! Where a lakehouse is and what it is kept on: its place, the names of its tables and where they are, stores and what opens them, and the
//! error of all crates that keep one. Nothing of Delta or DataFusion.

mod azure;
pub mod error;
mod location;
mod lock;
mod name;
pub mod objects;
mod refusal;
pub mod sentence;
pub mod shortage;
mod tokens;
mod words;

pub use azure::{StoreOptions, store};
pub use error::{Error, Result};
pub use location::{local_path, root};
pub use lock::locked;
pub use name::{Layer, Layout, NoName, TableName};
pub use tokens::{Token, TokenProvider, Tokens};
