//! The layers of the lakehouse: bronze, silver and gold Delta tables from what `connectwise-extract` reads, and the runs that
//! keep them.
//!
//! Data flows one way through the modules:
//!
//! | module | step |
//! |---|---|
//! | [`telemetry`] | what the parts of a run tell of their work |
//! | [`children`] | lists that hang on the rows of another entity: by bundle, those of changed rows and the others by turns |
//! | [`deletes`] | whether rows that a read lacked may be deleted |
//! | [`reconcile`] | rows that are gone at the source leave bronze |
//! | [`bronze`], [`silver`], [`gold`] | the layers |
//! | [`query`] | questions in SQL |
//! | [`measures`] | measures of gold, and saved questions that ask for them |
//! | [`run`] | which steps run, in which order, and what they did |
//! | [`maintain`] | upkeep of tables: small files, files that nothing needs, logs |
//! | [`verify`] | whether tables hold what they have to |
//! | [`ledger`] | what runs did and where the live API and the interface document differ, kept in the lakehouse |
//! | [`tenant`] | whose data a lakehouse holds |

pub mod bronze;
mod bundling;
pub mod children;
pub mod damage;
pub mod deletes;
pub mod error;
pub mod gold;
mod halt;
pub mod ledger;
pub mod maintain;
pub mod measures;
mod opened;
pub mod quarantine;
pub mod query;
pub mod reconcile;
pub mod run;
mod shared;
pub mod silver;
mod sql;
pub mod tables;
pub mod telemetry;
pub mod tenant;
mod typed;
pub mod verify;

pub use error::{Error, Result};
