//! ConnectWise PSA into a lakehouse: bronze, silver and gold Delta tables from the live API.
//!
//! Data flows one way through the modules:
//!
//! | module | step |
//! |---|---|
//! | [`catalog`] | which entities there are |
//! | [`telemetry`] | what the parts of a run tell of their work |
//! | [`contract`] | what their columns are |
//! | [`doctor`] | whether a tenant can be loaded, and what is missing |
//! | [`extract`] | pages of records from the API, whole or not at all |
//! | [`children`] | lists that hang on the rows of another entity: by bundle, those of changed rows and the others by turns |
//! | [`decode`] | records to checked Arrow batches; what doesn't fit is rescued |
//! | [`lake`] | all access to Delta tables |
//! | [`deletes`] | whether rows that a read lacked may be deleted |
//! | [`reconcile`] | rows that are gone at the source leave bronze |
//! | [`bronze`], [`silver`], [`gold`] | the layers |
//! | [`query`] | questions in SQL |
//! | [`run`] | which steps run, in which order, and what they did |
//! | [`maintain`] | upkeep of tables: small files, files that nothing needs, logs |
//! | [`verify`] | whether tables hold what they have to |
//! | [`ledger`] | what runs did and where the live API and the interface document differ, kept in the lakehouse |
//! | `tenant` | whose data a lakehouse holds |
//! | [`report`] | one HTML page about a lakehouse |
//! | [`cli`] | the program `connectwise-etl` |

pub mod bronze;
pub mod catalog;
pub mod children;
pub mod cli;
mod closest;
pub mod contract;
mod damage;
pub mod decode;
pub mod deletes;
pub mod doctor;
pub mod error;
pub mod extract;
pub mod gold;
mod halt;
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
mod shortage;
pub mod silver;
mod sql;
mod tables;
pub mod telemetry;
mod tenant;
pub mod verify;

pub use error::{Error, Result};
