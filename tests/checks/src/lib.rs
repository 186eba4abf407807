//! Checks of the repository itself: how crates and modules depend on each other, where errors are
//! worded, whether a crate names two types alike, and whether documents name files that exist.
//!
//! They need no crate of the workspace, so that they build in seconds and run before everything else.
