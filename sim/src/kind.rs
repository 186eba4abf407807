//! The entities whose generators tell every property: their names, paths and first ids.

/// An entity with a generator of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    TimeEntry,
    Agreement,
    Company,
    ExpenseEntry,
    ProductItem,
    Invoice,
    Member,
    UnpostedInvoice,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::TimeEntry,
        Self::Agreement,
        Self::Company,
        Self::ExpenseEntry,
        Self::ProductItem,
        Self::Invoice,
        Self::Member,
        Self::UnpostedInvoice,
    ];

    /// The schema's name in the interface document.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::TimeEntry => "TimeEntry",
            Self::Agreement => "Agreement",
            Self::Company => "Company",
            Self::ExpenseEntry => "ExpenseEntry",
            Self::ProductItem => "ProductItem",
            Self::Invoice => "Invoice",
            Self::Member => "Member",
            Self::UnpostedInvoice => "UnpostedInvoice",
        }
    }

    /// The list path below the API's root.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::TimeEntry => "/time/entries",
            Self::Agreement => "/finance/agreements",
            Self::Company => "/company/companies",
            Self::ExpenseEntry => "/expense/entries",
            Self::ProductItem => "/procurement/products",
            Self::Invoice => "/finance/invoices",
            Self::Member => "/system/members",
            Self::UnpostedInvoice => "/finance/accounting/unpostedinvoices",
        }
    }

    /// The file of recorded answers for this entity; invoices are called posted there, to tell them from unposted ones.
    pub(crate) const fn sample_file(self) -> &'static str {
        match self {
            Self::TimeEntry => "TimeEntry.json",
            Self::Agreement => "Agreement.json",
            Self::Company => "Company.json",
            Self::ExpenseEntry => "ExpenseEntry.json",
            Self::ProductItem => "ProductItem.json",
            Self::Invoice => "PostedInvoice.json",
            Self::Member => "Member.json",
            Self::UnpostedInvoice => "UnpostedInvoice.json",
        }
    }

    /// The lowest id that a row can have.
    pub(crate) const fn first_id(self) -> i64 {
        match self {
            Self::TimeEntry | Self::ExpenseEntry => 1,
            Self::Agreement => 3,
            Self::Company => 250,
            Self::ProductItem => 4,
            Self::Invoice => 2,
            Self::Member => 150,
            Self::UnpostedInvoice => 871_400,
        }
    }

    /// The entity with this list path.
    pub(crate) fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.path().eq_ignore_ascii_case(path))
    }
}
