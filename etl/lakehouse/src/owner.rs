//! Which tenant a lakehouse belongs to: one small table, in which each row is the next owner and only one writer can add it.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef, TimeUnit};
use chrono::{DateTime, Utc};
use deltalake::protocol::SaveMode;
use tokio::sync::OnceCell;

use super::append::lost;
use super::damage::listed;
use super::mend::kept_until;
use super::store::lake_error;
use super::write::writer_properties;
use super::{Commit, Lake, Layer, TableName, sql_error};
use crate::error::{Error, Kind, Result};

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
pub struct Claim {
    owner: Owner,
    reason: &'static str,
    run_id: String,
    recorded: DateTime<Utc>,
    done: OnceCell<()>,
}

impl Claim {
    /// A claim of a run. `reason` says how the tenant came to the lakehouse, for people who read the table.
    pub fn new(owner: Owner, reason: &'static str, run_id: &str, recorded: DateTime<Utc>) -> Self {
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

impl Lake {
    /// The tenant that the lakehouse belongs to; `None` before the first load, and of a lakehouse that an older version of
    /// this program made.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table is there and can't be read, or not all of it: rows that are gone may have named another one.
    pub async fn owner(&self) -> Result<Option<Owner>> {
        match self.owner_doubt().await? {
            Some(why) => Err(Error::new(Kind::Lake, self.nobodys(&why))),
            None => self.recorded().await,
        }
    }

    /// Why the table doesn't tell whose lakehouse it is, where it is there.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the store can't be read.
    pub async fn owner_doubt(&self) -> Result<Option<String>> {
        let table = TableName::ledger(TENANT);
        if let Some(damage) = self.damage(&table).await? {
            return Ok(Some(damage.to_string()));
        }
        if !self.has_folder(&table)? || self.recorded().await?.is_some() {
            return Ok(None);
        }
        // Between setting aside what couldn't be read and the row of the tenant that took the lakehouse over.
        let is_there = self.version(&table).await?.is_some();
        let was_there = is_there || kept_until(&listed(&table, &self.store(&table)?).await?).is_some();
        Ok(was_there.then(|| "no row of it is left".to_owned()))
    }

    /// What is said where nothing tells whose lakehouse it is.
    pub fn nobodys(&self, why: &str) -> String {
        let (table, root) = (TableName::ledger(TENANT), self.root());
        format!(
            "{table} can't be read ({why}), so nothing tells whose data {root} holds: `connectwise-etl run --adopt-tenant` makes it this \
             tenant's and reads every table in full, and where you know that it is this tenant's, delete {table} and the next run \
             records it again"
        )
    }

    /// The newest row.
    ///
    /// # Errors
    /// [`Kind::Lake`] when the table can't be read.
    pub async fn recorded(&self) -> Result<Option<Owner>> {
        let table = TableName::ledger(TENANT);
        let session = self.session()?;
        let unreadable = |error: Error| {
            let why = "it isn't as this program writes it";
            Error::new(Kind::Lake, self.nobodys(why)).with_source(error)
        };
        if !self.register(&session, "owner", &table).await.map_err(unreadable)? {
            return Ok(None);
        }
        let newest = "select number, company, server from owner order by number desc limit 1";
        let rows = async { session.sql(newest).await?.collect().await };
        let rows = rows.await.map_err(|error| unreadable(sql_error(error)))?;
        let Some(row) = rows.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
        // Readers of Parquet have several types for text.
        let column = |at: usize, of: &DataType| cast(row.column(at), of).ok().filter(|column| column.is_valid(0));
        let text = |at| column(at, &DataType::Utf8).map(|column| column.as_string::<i32>().value(0).to_owned());
        let number = column(0, &DataType::Int64).map(|column| column.as_primitive::<Int64Type>().value(0));
        let owner = number.zip(text(1)).zip(text(2));
        let owner = owner.map(|((number, company), server)| Owner { number, tenant: Tenant::new(&company, &server) });
        owner.map(Some).ok_or_else(|| unreadable(Error::new(Kind::Contract, "its columns have other types")))
    }

    /// The same lakehouse, which records an owner before it writes to bronze for the first time.
    #[must_use]
    pub fn claiming(&self, claim: Claim) -> Self {
        let mut lake = self.clone();
        lake.claim = Some(Arc::new(claim));
        lake
    }

    /// To be called before anything of a table is written. Of two claims at the same moment one holds.
    ///
    /// # Errors
    /// [`Kind::Config`] when the lakehouse belongs to another tenant by now.
    pub(super) async fn claim(&self, table: &TableName) -> Result<()> {
        match &self.claim {
            Some(claim) if table.layer == Layer::Bronze => {
                claim.done.get_or_try_init(|| self.record(claim)).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    async fn record(&self, claim: &Claim) -> Result<()> {
        let table = TableName::ledger(TENANT);
        let mut tries = 0;
        loop {
            let base = self.version(&table).await?;
            match self.recorded().await? {
                Some(owner) if owner == claim.owner => return Ok(()),
                Some(owner) if owner.number >= claim.owner.number => {
                    return Err(self.taken(&owner.tenant, &claim.owner.tenant));
                }
                _ => {}
            }
            let delta = self.load(&table).await?;
            if delta.version() != base {
                continue;
            }
            self.begin(&table, &delta).await?;
            // Right behind the version that was read, or not at all.
            let properties = Commit::new(&claim.run_id).upon(base).properties();
            let write = delta
                .write(vec![row(claim)?])
                .with_save_mode(SaveMode::Append)
                .with_writer_properties(writer_properties())
                .with_commit_properties(properties);
            tries += 1;
            match write.await {
                Ok(_) => {
                    self.begun(&table, base).await;
                    return Ok(());
                }
                Err(error) if tries < TRIES && lost(&error) => {}
                Err(error) => return Err(lake_error(&table, "written", error)),
            }
        }
    }

    /// What is said to a command that needs no credentials, where another tenant is configured.
    pub fn not_of(&self, owner: &Tenant, configured: &Tenant) -> Error {
        self.refusal(owner, &format!("{configured} is configured, so nothing was written"))
    }

    /// What is said to a tenant that comes to another one's lakehouse.
    pub fn taken(&self, owner: &Tenant, other: &Tenant) -> Error {
        self.refusal(owner, &format!("the credentials are those of {other}"))
    }

    fn refusal(&self, owner: &Tenant, why: &str) -> Error {
        Error::new(
            Kind::Config,
            format!(
                "the lakehouse {} belongs to {owner} and {why}: name another one with --lakehouse, or, where the same tenant \
                 has moved, take it along with run --adopt-tenant",
                self.root()
            ),
        )
    }
}

fn row(claim: &Claim) -> Result<RecordBatch> {
    let text = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let recorded = TimestampMicrosecondArray::from(vec![claim.recorded.timestamp_micros()]).with_timezone("UTC");
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![claim.owner.number])),
        text(&claim.owner.tenant.company),
        text(&claim.owner.tenant.server),
        text(claim.reason),
        Arc::new(recorded),
        text(&claim.run_id),
    ];
    RecordBatch::try_new(owner_schema(), columns)
        .map_err(|error| Error::new(Kind::Contract, "the row of the tenant can't be built").with_source(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claimed(lake: &Lake, number: i64, company: &str) -> Lake {
        let tenant = Tenant::new(company, "na.myconnectwise.net");
        lake.claiming(Claim::new(Owner { number, tenant }, "first load", "run", Utc::now()))
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn of_many_first_claims_at_once_one_holds() {
        let table = TableName::bronze("member");
        for _ in 0..5 {
            let folder = tempfile::tempdir().unwrap();
            let lake = Lake::open(folder.path().to_str().unwrap()).unwrap();
            let names = ["acme", "beta", "gamma", "delta"];
            let claims = names.map(|name| claimed(&lake, 1, name));
            let ends = futures::future::join_all(claims.iter().map(|lake| lake.claim(&table))).await;
            let owner = lake.owner().await.unwrap().unwrap();
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
        assert_eq!(lake.owner().await.unwrap(), None);
        assert!(!folder.path().join("etl").exists(), "asking creates nothing");
        for name in ["acme", " ACME "] {
            claimed(&lake, 1, name).claim(&table).await.unwrap();
        }
        claimed(&lake, 1, "beta").claim(&TableName::gold("dimdate")).await.unwrap();
        assert_eq!(lake.owner().await.unwrap().unwrap().number, 1, "only bronze is claimed");
        assert!(claimed(&lake, 1, "beta").claim(&table).await.is_err());
        claimed(&lake, 2, "beta").claim(&table).await.unwrap();
        assert_eq!(lake.owner().await.unwrap().unwrap().tenant, Tenant::new("beta", "na.myconnectwise.net"));
        assert!(claimed(&lake, 2, "acme").claim(&table).await.is_err(), "two moves at once");
    }
}
