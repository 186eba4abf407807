//! What a row looks like, told once: an entity walks its properties into a [`Shape`], which may write them as JSON, or
//! pick out the few that a condition asks for.

/// A decimal in ten-thousandths, so that money and hours need no floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal(pub(crate) i64);

impl Decimal {
    pub(crate) const ZERO: Self = Self(0);

    pub(crate) const fn whole(n: i64) -> Self {
        Self(n * 10_000)
    }

    pub(crate) const fn hundredths(n: i64) -> Self {
        Self(n * 100)
    }
}

/// A visitor of a row's properties. Where `enter`, `list` or `item` answers false the caller skips what is inside and the
/// matching end call.
pub(crate) trait Shape {
    fn enter(&mut self, key: &'static str) -> bool;
    fn leave(&mut self);
    fn list(&mut self, key: &'static str) -> bool;
    fn end_list(&mut self);
    fn item(&mut self) -> bool;
    fn int(&mut self, key: &'static str, value: i64);
    fn num(&mut self, key: &'static str, value: Decimal);
    fn flag(&mut self, key: &'static str, value: bool);
    fn time(&mut self, key: &'static str, instant: i64);
    fn text(&mut self, key: &'static str, value: &str);
    /// A text that costs something to make: `make` only runs if this visitor wants it.
    fn made(&mut self, key: &'static str, make: impl FnOnce(&mut String));
}
