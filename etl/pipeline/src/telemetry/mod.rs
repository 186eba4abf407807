//! What the parts of a run tell of their work: steps, proofs of reads, progress, data tests and drift. The layers say it, the
//! ledger keeps it and the program shows it; so it lies below all of them.

pub(crate) mod build;
pub(crate) mod data_test;
pub(crate) mod drift;
mod meter;
mod step;

pub use build::{Mode, TableReport};
pub use data_test::{Severity, TestResult};
pub use drift::{Deviation, DriftKind, Tally};
pub use meter::{Chunk, Meter, Observer, Quiet};
pub(crate) use step::outcome;
pub use step::{ReadProof, Step, StepOutcome};
