//! Which tenant a lakehouse belongs to: one small table, in which each row is the next owner and only one writer can add it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use connectwise_lakehouse::{Commit, Lake, Layer, Table, TableName, WriteGuard};
use connectwise_upkeep::{self as upkeep, Checked};
use futures::future::{BoxFuture, FutureExt};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;
use twox_hash::XxHash3_64;

use crate::error::{Error, Result, sql_error};
use crate::typed::{from_batches, to_batch};

/// The table.
pub const TENANT: &str = "etl_tenant";

/// Tries against `maintain`, which may compact the table meanwhile.
const TRIES: usize = 5;

/// A company on a server: whose data it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    company: String,
    server: String,
}

impl Tenant {
    /// The company id in any case, and the server whatever way its address is written
    /// ([`Config::server`](connectwise_sdk::Config::server)).
    pub fn new(company: &str, server: &str) -> Self {
        Self { company: company.trim().to_lowercase(), server: server.trim().to_lowercase() }
    }

    /// A number that other tenants don't have.
    pub(super) fn identity(&self) -> i64 {
        XxHash3_64::oneshot(self.to_string().as_bytes()).cast_signed()
    }

    /// The server that it is on.
    pub fn server(&self) -> &str {
        &self.server
    }
}

impl fmt::Display for Tenant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.company, self.server)
    }
}

/// The tenant that a lakehouse belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// 1 for the first, and one more with each move.
    pub number: i64,
    /// Who it is.
    pub tenant: Tenant,
}

/// An owner that is recorded with the first write to bronze, so that a run which reads nothing claims nothing.
#[derive(Debug)]
pub(super) struct Claim {
    owner: Owner,
    reason: &'static str,
    run_id: String,
    recorded: DateTime<Utc>,
    done: OnceCell<()>,
}

impl Claim {
    /// A claim of a run. `reason` says how the tenant came to the lakehouse, for people who read the table.
    pub(super) fn new(owner: Owner, reason: &'static str, run_id: &str, recorded: DateTime<Utc>) -> Self {
        Self { owner, reason, run_id: run_id.to_owned(), recorded, done: OnceCell::new() }
    }
}

/// The columns of the table.
pub fn owner_schema() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, false);
    Arc::new(Schema::new(vec![
        Field::new("number", DataType::Int64, false),
        text("company"),
        text("server"),
        text("reason"),
        Field::new("recorded", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
        text("runId"),
    ]))
}

/// A row of the table.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OwnerRow<'a> {
    number: i64,
    company: &'a str,
    server: &'a str,
    reason: &'a str,
    recorded: DateTime<Utc>,
    run_id: &'a str,
}

/// What is read of it.
#[derive(Debug, Deserialize)]
struct Named {
    number: i64,
    company: String,
    server: String,
}

/// What the table of tenants says.
#[derive(Debug)]
pub(super) enum RecordedOwner {
    /// It was never there.
    Missing,
    /// Its newest row.
    Owner(Owner),
    /// It exists and names no tenant, for this reason: it is damaged, or its rows are gone.
    Doubtful(String),
}

/// The tenant that a lakehouse belongs to; `None` before the first load, and of a lakehouse that an older version of
/// this program made.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the table is there and can't be read, or not all of it: rows that are gone may have named another one.
pub async fn owner(lake: &Lake) -> Result<Option<Owner>> {
    match record(lake).await? {
        RecordedOwner::Missing => Ok(None),
        RecordedOwner::Owner(owner) => Ok(Some(owner)),
        RecordedOwner::Doubtful(why) => Err(Error::unknown_owner(&TableName::ledger(TENANT), lake, &why)),
    }
}

/// What the table of tenants says.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the store can't be read.
pub(super) async fn record(lake: &Lake) -> Result<RecordedOwner> {
    let table = TableName::ledger(TENANT);
    let opened = match upkeep::checked(lake, &table).await? {
        Checked::Sound(opened) => opened,
        Checked::Damaged(damage) => return Ok(RecordedOwner::Doubtful(damage.to_string())),
    };
    if let Some(owner) = recorded(&opened).await? {
        return Ok(RecordedOwner::Owner(owner));
    }
    if !lake.has_folder(&table)? {
        return Ok(RecordedOwner::Missing);
    }
    // Between setting aside what couldn't be read and the row of the tenant that took the lakehouse over.
    let was_there = opened.exists() || upkeep::was_set_aside(lake, &table).await?;
    Ok(if was_there { RecordedOwner::Doubtful("no row of it is left".to_owned()) } else { RecordedOwner::Missing })
}

/// The newest row.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the table can't be read.
pub(super) async fn recorded(table: &Table) -> Result<Option<Owner>> {
    let lake = table.lake();
    let unreadable = |error: Error| {
        Error::unknown_owner(table.name(), lake, "it isn't as this program writes it").with_source(error)
    };
    let session = lake.session()?;
    let is_there = table.register(&session, "owner").await;
    if !is_there.map_err(|error| unreadable(error.into()))? {
        return Ok(None);
    }
    let newest = "select cast(number as bigint) as number, company, server from owner order by number desc limit 1";
    let rows = async { session.sql(newest).await?.collect().await };
    let rows = rows.await.map_err(|error| unreadable(sql_error(error)))?;
    let newest = from_batches::<Named>(TENANT, &rows).map_err(unreadable)?.into_iter().next();
    Ok(newest.map(|row| Owner { number: row.number, tenant: Tenant::new(&row.company, &row.server) }))
}

impl WriteGuard for Claim {
    /// Only bronze is claimed: the rest is built from it. Of two claims at the same moment one holds.
    fn before_write<'a>(
        &'a self,
        lake: &'a Lake,
        table: &'a TableName,
    ) -> BoxFuture<'a, std::result::Result<(), Box<dyn StdError + Send + Sync>>> {
        async move {
            if table.layer == Layer::Bronze {
                self.done.get_or_try_init(|| self.record(lake)).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

impl Claim {
    /// # Errors
    /// [`Kind::Config`](crate::error::Kind::Config) when the lakehouse belongs to another tenant by now.
    async fn record(&self, lake: &Lake) -> Result<()> {
        let table = TableName::ledger(TENANT);
        let mut tries = 0;
        loop {
            let opened = lake.table(&table).await?;
            match recorded(&opened).await? {
                Some(owner) if owner == self.owner => return Ok(()),
                Some(owner) if owner.number >= self.owner.number => {
                    return Err(Error::other_credentials(lake, &owner.tenant, &self.owner.tenant));
                }
                _ => {}
            }
            let tenant = &self.owner.tenant;
            let row = OwnerRow {
                number: self.owner.number,
                company: &tenant.company,
                server: &tenant.server,
                reason: self.reason,
                recorded: self.recorded,
                run_id: &self.run_id,
            };
            let row = to_batch(TENANT, &owner_schema(), &[row])?;
            tries += 1;
            // Right behind the version that was read, or not at all.
            match opened.append(&row, &Commit::new(&self.run_id)).await {
                Err(error) if tries < TRIES && error.is_conflict() => {}
                ended => return Ok(ended?),
            }
        }
    }
}

/// What is said to a command that needs no credentials, where another tenant is configured.
pub fn not_of(lake: &Lake, owner: &Tenant, configured: &Tenant) -> Error {
    Error::other_configured(lake, owner, configured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(lake: &Lake, number: i64, company: &str) -> Lake {
        let tenant = Tenant::new(company, "na.myconnectwise.net");
        lake.guarded(Arc::new(Claim::new(Owner { number, tenant }, "first load", "run", Utc::now())))
    }

    async fn write(lake: &Lake, table: &TableName) -> Result<()> {
        Ok(lake.append(table, &to_batch("rows", &one(), &[One { number: 1 }])?, &Commit::new("run")).await?)
    }

    #[derive(Serialize)]
    struct One {
        number: i64,
    }

    fn one() -> SchemaRef {
        Arc::new(Schema::new(vec![Field::new("number", DataType::Int64, false)]))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_first_claims_at_once_one_holds() {
        let table = TableName::bronze("member");
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
            let names = ["acme", "beta", "gamma", "delta"];
            let claims = names.map(|name| claimed(&lake, 1, name));
            let ends = futures::future::join_all(claims.iter().map(|lake| write(lake, &table))).await;
            let owner = super::owner(&lake).await.unwrap().unwrap();
            for (name, end) in names.iter().zip(ends) {
                let own = owner.tenant == Tenant::new(name, "na.myconnectwise.net");
                assert_eq!(end.is_ok(), own, "{name}: {end:?}, and it is {owner:?}");
                if let Err(error) = end {
                    assert!(error.is_usage() && error.to_string().contains("--adopt-tenant"), "{error}");
                }
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_same_tenant_may_come_as_often_as_it_likes_and_move() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
        let table = TableName::bronze("member");
        assert_eq!(owner(&lake).await.unwrap(), None);
        assert!(!folder.path().join("etl").exists(), "asking creates nothing");
        for name in ["acme", " ACME "] {
            write(&claimed(&lake, 1, name), &table).await.unwrap();
        }
        write(&claimed(&lake, 1, "beta"), &TableName::gold("dimdate")).await.unwrap();
        assert_eq!(owner(&lake).await.unwrap().unwrap().number, 1, "only bronze is claimed");
        assert!(write(&claimed(&lake, 1, "beta"), &table).await.is_err());
        write(&claimed(&lake, 2, "beta"), &table).await.unwrap();
        assert_eq!(owner(&lake).await.unwrap().unwrap().tenant, Tenant::new("beta", "na.myconnectwise.net"));
        assert!(write(&claimed(&lake, 2, "acme"), &table).await.is_err(), "two moves at once");
    }
}
