//! Seven questions to gold. If a table is missing, a sentence takes the place of the chart.

use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Lake, TableName};
use connectwise_pipeline::error::{Error, Kind, Result};
use connectwise_pipeline::query;
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// An answer, or the table that it lacks.
pub(super) type Answer<T> = std::result::Result<Vec<T>, &'static str>;

#[derive(Debug)]
pub(super) struct Gold {
    pub(super) months: Answer<Month>,
    pub(super) members: Answer<Member>,
    pub(super) companies: Answer<Company>,
    pub(super) coverage: Answer<Coverage>,
    pub(super) sources: Answer<Aged>,
    pub(super) unbilled: Answer<Aged>,
    pub(super) receivables: Answer<Aged>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Month {
    pub(super) year: i32,
    pub(super) month: i32,
    pub(super) hours: f64,
    pub(super) billable: f64,
    /// Rows of the answer, those that aren't here included.
    #[serde(rename = "rows_in_all")]
    pub(super) all: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Member {
    pub(super) name: Option<String>,
    pub(super) hours: f64,
    pub(super) billable: f64,
    /// Hours that the member could have worked in the period.
    pub(super) capacity: f64,
    #[serde(rename = "rows_in_all")]
    pub(super) all: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Company {
    pub(super) name: Option<String>,
    pub(super) revenue: f64,
    pub(super) margin: f64,
    #[serde(rename = "rows_in_all")]
    pub(super) all: usize,
}

#[derive(Debug, Deserialize)]
pub(super) struct Coverage {
    pub(super) behavior: String,
    pub(super) hours: f64,
    pub(super) revenue: f64,
}

/// Amounts by age, or by source.
#[derive(Debug, Deserialize)]
pub(super) struct Aged {
    /// A number that sorts, a space, and the label.
    pub(super) age: String,
    pub(super) lines: u64,
    pub(super) amount: f64,
}

/// Hours by month; the newest twelve months that have any.
const MONTHS: &str = "select d.year as year, d.month as month, cast(sum(coalesce(f.actualHours, 0)) as double) as hours, \
     cast(sum(case when f.utilizationType = 'Billable' then coalesce(f.actualHours, 0) else 0 end) as double) as billable, \
     count(*) over () as rows_in_all \
     from fact_timeentry f join dimdate d on d.DateKey = f.WorkDateSK where not f.isDeleted and d.year is not null \
     group by d.year, d.month order by year desc, month desc limit 12";

/// Utilisation over the 90 days up to the newest work: the working days in them times a member's daily capacity.
const MEMBERS: &str = "with newest as (select max(d.Date) as day from fact_timeentry f \
     join dimdate d on d.DateKey = f.WorkDateSK where not f.isDeleted), \
     span as (select d.DateKey as key, d.isBusinessDay as works from dimdate d cross join newest n \
     where d.Date <= n.day and d.Date > n.day - interval '90' day) \
     select m.memberName as name, cast(sum(coalesce(f.actualHours, 0)) as double) as hours, \
     cast(sum(case when f.utilizationType = 'Billable' then coalesce(f.actualHours, 0) else 0 end) as double) as billable, \
     cast(max(f.memberDailyCapacity) * (select count(*) from span where works) as double) as capacity, count(*) over () as rows_in_all \
     from fact_timeentry f join span s on s.key = f.WorkDateSK join dimmember m on m.MemberKey = f.MemberKey where not f.isDeleted \
     group by f.MemberKey, m.memberName order by billable desc, name limit 20";

/// What is on invoices, whatever kind of row it is from. Rows name companies as they were called then, so that the name is
/// the dimension's.
const COMPANIES: &str = "select c.companyName as name, cast(sum(coalesce(l.lineAmount, 0)) as double) as revenue, \
     cast(sum(coalesce(l.margin, 0)) as double) as margin, count(*) over () as rows_in_all \
     from fact_invoiceline l join dimcompany c on c.CompanyKey = l.CompanyKey where l.isInvoiced and not l.isDeleted \
     group by l.CompanyKey, c.companyName order by revenue desc, name limit 15";

const COVERAGE: &str = "select coalesce(f.agreement_billing_behavior, 'no agreement') as behavior, \
     cast(sum(coalesce(f.actualHours, 0)) as double) as hours, \
     cast(sum(coalesce(f.potentialRevenue, 0)) as double) as revenue from fact_timeentry f where not f.isDeleted \
     group by coalesce(f.agreement_billing_behavior, 'no agreement') order by hours desc, behavior";

/// Revenue of invoices by source; the amount of a header beyond its lines and fees has none.
const SOURCES: &str = "select age, count(*) as lines, cast(sum(amount) as double) as amount from ( \
     select coalesce(l.lineAmount, 0) as amount, case when l.lineSource <> 'header' then '1 time, expenses, products' \
     when l.LineType = 'AGREEMENT' then '2 fees of agreements' else '3 no line explains' end as age \
     from fact_invoiceline l where l.isInvoiced and not l.isDeleted) a group by age order by age";

/// Open balances of invoices by age, as of the day of the last gold build.
const RECEIVABLES: &str = "select age, count(*) as lines, cast(sum(amount) as double) as amount from ( \
     select i.balance as amount, case i.agingBucket when 'Current' then '1 not due' when '1-30' then '2 up to 30 days' \
     when '31-60' then '3 31 to 60 days' when '61-90' then '4 61 to 90 days' else '5 more than 90 days' end as age \
     from fact_invoice i where i.balance <> 0 and not i.isDeleted) a group by age order by age";

/// What can still be billed: an agreement that covers its work leaves nothing to bill.
fn unbilled(now: DateTime<Utc>) -> String {
    let today = now.format("%Y-%m-%d");
    format!(
        "select age, count(*) as lines, cast(sum(amount) as double) as amount from (select coalesce(l.lineAmount, 0) as amount, \
         case when l.date is null then '5 no date' when l.date > date '{today}' - interval '30' day then '1 up to 30 days' \
         when l.date > date '{today}' - interval '60' day then '2 31 to 60 days' \
         when l.date > date '{today}' - interval '90' day then '3 61 to 90 days' else '4 more than 90 days' end as age \
         from fact_invoiceline l join dimagreement g on g.AgreementSK = l.AgreementSK \
         where not l.isInvoiced and not l.isDeleted and g.billingBehavior not in ('operations', 'prepaid', 'internal')) a \
         group by age order by age"
    )
}

pub(super) async fn read(lake: &Lake, now: DateTime<Utc>) -> Result<Gold> {
    let mut months = ask(lake, &["fact_timeentry", "dimdate"], MONTHS).await?;
    if let Ok(months) = &mut months {
        months.reverse();
    }
    Ok(Gold {
        months,
        members: ask(lake, &["fact_timeentry", "dimdate", "dimmember"], MEMBERS).await?,
        companies: ask(lake, &["fact_invoiceline", "dimcompany"], COMPANIES).await?,
        coverage: ask(lake, &["fact_timeentry"], COVERAGE).await?,
        sources: ask(lake, &["fact_invoiceline"], SOURCES).await?,
        receivables: ask(lake, &["fact_invoice"], RECEIVABLES).await?,
        unbilled: ask(lake, &["fact_invoiceline", "dimagreement"], &unbilled(now)).await?,
    })
}

async fn ask<T: DeserializeOwned>(lake: &Lake, tables: &[&'static str], sql: &str) -> Result<Answer<T>> {
    for table in tables {
        if !lake.table(&TableName::gold(table)).await?.exists() {
            return Ok(Err(table));
        }
    }
    let json = query::json(&query::select(lake, sql).await?)?;
    serde_json::from_slice(&json).map(Ok).map_err(|error| {
        Error::new(Kind::Contract, "gold has other columns than this version reads").with_source(error)
    })
}
