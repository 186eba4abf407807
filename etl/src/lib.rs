//! ConnectWise PSA into a lakehouse: bronze, silver and gold Delta tables from the live API.
//!
//! Data flows one way through the modules:
//!
//! | module | step |
//! |---|---|
//! | [`catalog`] | which entities there are |
//! | [`contract`] | what their columns are |
//! | [`doctor`] | whether a tenant can be loaded, and what is missing |
//! | [`extract`] | pages of records from the API, whole or not at all |
//! | [`children`] | lists that hang on the rows of another entity: by bundle, those of changed rows and the others by turns |
//! | [`decode`] | records to checked Arrow batches; what doesn't fit is rescued |
//! | [`lake`] | all access to Delta tables |
//! | [`reconcile`] | rows that are gone at the source leave bronze |
//! | [`bronze`], [`silver`], [`gold`] | the layers |
//! | [`query`] | questions in SQL |
//! | [`run`] | which steps run, in which order, and what they did |
//! | [`maintain`] | upkeep of tables: small files, files that nothing needs, logs |
//! | [`verify`] | whether tables hold what they have to |
//! | [`ledger`] | what runs did, kept in the lakehouse |
//! | `tenant` | whose data a lakehouse holds |
//! | [`drift`] | where the live API and the interface document differ |
//! | [`report`] | one HTML page about a lakehouse |
//! | [`cli`] | the program `connectwise-etl` |

pub mod bronze;
pub mod catalog;
pub mod children;
pub mod cli;
mod closest;
pub mod contract;
pub mod decode;
pub mod doctor;
pub mod drift;
pub mod error;
pub mod extract;
pub mod gold;
pub mod lake;
pub mod ledger;
pub mod maintain;
pub mod privacy;
pub mod quarantine;
pub mod query;
pub mod reconcile;
pub mod report;
pub mod run;
pub mod selection;
pub mod silver;
mod sql;
mod tenant;
pub mod verify;

pub use error::{Error, Result};
