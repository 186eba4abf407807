//! The SELECT of a question, from its rows, its measures and what it is cut by.

use connectwise_extract::closest::advice;

use super::catalog::{Asked, Dimension, PERIODS, Rows, TOTAL};
use crate::error::{Error, Result};

/// Which rows count. Values are placeholders, which are bound and never written into the text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Filters {
    /// How many ids of companies there are: `$company0`, `$company1`...
    pub(super) companies: usize,
    /// Whether there is a first day, `$from`.
    pub(super) from: bool,
    /// Whether there is a last day, `$to`.
    pub(super) to: bool,
}

/// One of the things that a question is cut by.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut<'a> {
    Period(&'static str, &'static str),
    Dimension(&'a Dimension),
}

impl Cut<'_> {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Period(name, _) => name,
            Self::Dimension(dimension) => &dimension.name,
        }
    }

    /// The columns that it takes: what is beside the text comes first.
    fn columns(&self) -> Vec<&str> {
        match self {
            Self::Period(name, _) => vec![name],
            Self::Dimension(dimension) => {
                dimension.beside.as_deref().into_iter().chain([dimension.name.as_str()]).collect()
            }
        }
    }

    /// What its rows are in the order of, where that isn't their name.
    fn order(&self) -> Option<&str> {
        match self {
            Self::Period(name, _) => Some(name),
            Self::Dimension(dimension) => dimension.order(),
        }
    }
}

/// What rows are to be cut by.
///
/// # Errors
/// [`Kind::Usage`](crate::error::Kind::Usage) for what they can't be cut by, with what they can.
pub(super) fn cuts<'a>(rows: &'a Rows, by: &[&str]) -> Result<Vec<Cut<'a>>> {
    if by.is_empty() || by == [TOTAL] {
        return Ok(Vec::new());
    }
    let mut cuts: Vec<Cut<'_>> = Vec::new();
    for name in by {
        let known = rows.cuts();
        let Some(found) = known.iter().find(|known| known.eq_ignore_ascii_case(name)) else {
            let all = format!("{} are known, and {TOTAL} for one row", known.join(", "));
            return Err(Error::unknown_cut(&rows.name, name, &advice(name, known, &all)));
        };
        if cuts.iter().any(|cut| cut.name() == *found) {
            return Err(Error::repeated_cut(found));
        }
        let period = PERIODS.iter().find(|(name, _)| name == found).map(|(name, sql)| Cut::Period(name, sql));
        cuts.extend(period.or_else(|| rows.dimension(found).map(Cut::Dimension)));
    }
    Ok(cuts)
}

/// The SELECT. Rows are in the order of what they are cut by, and by the first measure, the largest first, where the last cut is a name.
///
/// # Errors
/// As [`cuts`].
pub(super) fn select(asked: &Asked<'_>, by: &[&str], filters: &Filters) -> Result<String> {
    let cuts = cuts(asked.rows, by)?;
    let columns: Vec<&str> = cuts.iter().flat_map(Cut::columns).collect();
    let mut inner = vec!["q.*".to_owned()];
    inner.extend(cuts.iter().filter_map(|cut| match cut {
        // It is a column of the rows.
        Cut::Period("day", _) | Cut::Dimension(_) => None,
        Cut::Period(name, sql) => Some(format!("{sql} as {name}")),
    }));
    let mut conditions = Vec::new();
    if filters.companies > 0 {
        let ids: Vec<String> = (0..filters.companies).map(|at| format!("$company{at}")).collect();
        conditions.push(format!("q.companyId in ({})", ids.join(", ")));
    }
    if filters.from {
        conditions.push("q.day >= $from".to_owned());
    }
    if filters.to {
        conditions.push("q.day <= $to".to_owned());
    }
    let condition = if conditions.is_empty() { String::new() } else { format!("\nwhere {}", conditions.join(" and ")) };
    let mut shown: Vec<String> = columns.iter().map(|column| format!("r.{column} as {column}")).collect();
    shown.extend(asked.measures.iter().map(|measure| format!("{} as {}", measure.sql.trim(), measure.column())));
    let mut sql = format!(
        "select {}\nfrom (\nselect {}\nfrom (\n{}\n) q{condition}\n) r",
        shown.join(", "),
        inner.join(", "),
        asked.rows.sql.trim()
    );
    if !columns.is_empty() {
        let group: Vec<String> = columns.iter().map(|column| format!("r.{column}")).collect();
        sql.push_str(&format!("\ngroup by {}\norder by {}", group.join(", "), order(asked, &cuts).join(", ")));
    }
    Ok(sql)
}

fn order(asked: &Asked<'_>, cuts: &[Cut<'_>]) -> Vec<String> {
    let mut order = Vec::new();
    for (at, cut) in cuts.iter().enumerate() {
        let names = match cut.order() {
            Some(column) => vec![column],
            None => {
                let first = asked.measures.first().filter(|_| at + 1 == cuts.len());
                order.extend(first.map(|measure| format!("{} desc nulls last", measure.column())));
                let mut names = cut.columns();
                names.reverse();
                names
            }
        };
        order.extend(names.into_iter().map(|name| format!("{name} asc nulls last")));
    }
    order
}
