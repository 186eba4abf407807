//! How work that takes long says how far it is.

/// Somebody who is told how far a piece of work is.
pub trait Progress: Send + Sync {
    /// The work has so many parts.
    fn planned(&self, parts: usize);

    /// A part has ended.
    fn done(&self, part: &str);
}

/// For nobody.
impl Progress for () {
    fn planned(&self, _: usize) {}

    fn done(&self, _: &str) {}
}
