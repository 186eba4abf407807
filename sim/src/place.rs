//! A list: a resource, and the rows that it hangs on.

/// A resource of the document by its number, and the ids of the parents that its path names, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) resource: usize,
    /// 0 where there is none.
    parents: [i64; MOST_PARENTS],
}

/// No path of the API names more.
pub(crate) const MOST_PARENTS: usize = 3;

impl Place {
    /// A list that hangs on nothing.
    pub(crate) const fn flat(resource: usize) -> Self {
        Self { resource, parents: [0; MOST_PARENTS] }
    }

    /// A list below other rows; `None` for more than there can be, or an id that no row has.
    pub(crate) fn below(resource: usize, parents: &[i64]) -> Option<Self> {
        let mut place = Self::flat(resource);
        if parents.len() > MOST_PARENTS || parents.iter().any(|id| *id <= 0) {
            return None;
        }
        place.parents[..parents.len()].copy_from_slice(parents);
        Some(place)
    }

    pub(crate) fn parents(&self) -> &[i64] {
        let count = self.parents.iter().take_while(|id| **id > 0).count();
        &self.parents[..count]
    }

    /// The id of the row that it hangs on directly.
    pub(crate) fn parent(&self) -> Option<i64> {
        self.parents().last().copied()
    }

    /// The same resource elsewhere, or another one here.
    pub(crate) fn with_resource(self, resource: usize) -> Self {
        Self { resource, ..self }
    }
}
