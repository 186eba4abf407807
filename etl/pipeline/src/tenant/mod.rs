//! A lakehouse holds the data of one tenant. Whoever is about to write is compared with the tenant it belongs to, before
//! anything is asked or written; `docs/decisions/0022-tenant-of-a-lakehouse.md` says why it is done this way.

mod owner;

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use connectwise_extract::catalog;
use connectwise_lakehouse::{Commit, Lake, Table, TableName};
use connectwise_sdk::Client;
use connectwise_upkeep::{self as upkeep, Mended};
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use owner::{Claim, RecordedOwner};
pub use owner::{Owner, TENANT, Tenant, not_of, owner, owner_schema};

/// Transaction in each bronze table that says which owner's rows it holds. Only kept once the lakehouse has moved: a table
/// without it holds those of the first owner.
const OWNER: &str = "connectwise-etl:owner";

/// Transaction in each bronze table with a number of the tenant whose rows it holds ([`Tenant::identity`]), so that it is known
/// where the table of tenants is gone.
const HELD: &str = "connectwise-etl:tenant";

/// Tables that are opened at once.
const AT_ONCE: usize = 8;

/// What bronze tables say of whose rows they hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signature {
    /// Number of the owner.
    number: i64,
    /// Which tenant it is; `None` where the lakehouse doesn't say.
    tenant: Option<i64>,
}

impl From<&Owner> for Signature {
    fn from(owner: &Owner) -> Self {
        Self { number: owner.number, tenant: Some(owner.tenant.identity()) }
    }
}

/// A run that may write.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// The lakehouse, which records the tenant with the first write to bronze.
    pub(crate) lake: Lake,
    /// Whose rows it writes.
    pub(crate) signature: Signature,
    /// What the run should say of it.
    pub(crate) note: Option<String>,
}

/// The tenant that a client asks.
pub fn of(client: &Client) -> Tenant {
    Tenant::new(client.config().company(), &client.config().server())
}

/// Lets the tenant of a client write to a lakehouse that belongs to it or to nobody, or that it takes over.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the lakehouse belongs to another tenant. Nothing was asked and nothing written.
pub(crate) async fn admit(
    lake: &Lake,
    client: &Client,
    adopt: bool,
    run_id: &str,
    now: DateTime<Utc>,
) -> Result<Admitted> {
    let tenant = of(client);
    let mut told = None;
    let mut next = None;
    let mut known = None;
    match owner::record(lake).await? {
        RecordedOwner::Missing => {}
        RecordedOwner::Owner(owner) => known = Some(owner),
        RecordedOwner::Doubtful(why) => {
            let (note, number) = mended(lake, &why, adopt, run_id).await?;
            told = Some(note);
            next = number;
            known = if next.is_none() { owner(lake).await? } else { None };
        }
    }
    let (number, reason, note) = match next {
        Some((number, true)) => (number, "moved", Some(moves_to(&tenant))),
        Some((number, false)) => (number, "first load", None),
        None => match known {
            Some(owner) if owner.tenant == tenant => {
                let note =
                    adopt.then(|| format!("--adopt-tenant changes nothing: the lakehouse belongs to {tenant} already"));
                let signature = Signature::from(&owner);
                return Ok(Admitted { lake: lake.clone(), signature, note: told.or(note) });
            }
            Some(owner) if adopt => {
                let note =
                    format!("the lakehouse moves from {} to {tenant}, so every table is read in full", owner.tenant);
                (owner.number + 1, "moved", Some(note))
            }
            Some(owner) => return Err(Error::other_credentials(lake, &owner.tenant, &tenant)),
            None if !has_rows(lake).await? => (1, "first load", None),
            None => unrecorded(lake, &tenant, adopt).await?,
        },
    };
    let note = match (told, note) {
        (Some(told), Some(note)) => Some(format!("{told}; {note}")),
        (told, note) => told.or(note),
    };
    let owner = Owner { number, tenant };
    let signature = Signature::from(&owner);
    let claim = Claim::new(owner, reason, run_id, now);
    Ok(Admitted { lake: lake.guarded(Arc::new(claim)), signature, note })
}

/// For a lakehouse that has rows but no table of tenants: the owner number of the new tenant, the reason to record, and a warning.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the bronze tables say that they are another tenant's, unless this one takes them over.
async fn unrecorded(lake: &Lake, tenant: &Tenant, adopt: bool) -> Result<(i64, &'static str, Option<String>)> {
    let held = HeldTenants::by(lake).await;
    if adopt {
        return Ok((held.number + 1, "moved", Some(moves_to(tenant))));
    }
    if held.tenants.iter().any(|other| *other != tenant.identity()) {
        return Err(Error::unrecorded_owner(&TableName::ledger(TENANT), lake, tenant));
    }
    let found = match held.tenants.is_empty() {
        true => "as an older version of this program made it",
        false => "but its bronze tables are this tenant's",
    };
    let note = format!("the lakehouse didn't say whose tables it holds, {found}: from now on it belongs to {tenant}");
    Ok((held.number, "found without an owner", Some(note)))
}

fn moves_to(tenant: &Tenant) -> String {
    format!("the lakehouse moves to {tenant}, so every table is read in full")
}

/// What is told of a lakehouse whose owner couldn't be read, and, where nothing is left that says who it is, the number of the
/// next one.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) where there are rows that may be another tenant's, unless somebody takes them over.
async fn mended(lake: &Lake, why: &str, adopt: bool, run_id: &str) -> Result<(String, Option<(i64, bool)>)> {
    let table = TableName::ledger(TENANT);
    let protects = has_rows(lake).await?;
    let refuses = protects && !adopt;
    let unknown = || Error::unknown_owner(&table, lake, why);
    let is_lost = upkeep::damage(lake, &table).await?.is_some_and(|damage| damage.is_lost());
    if refuses && is_lost {
        return Err(unknown());
    }
    let mended = match upkeep::mend(lake, &table, run_id, refuses.then_some(why)).await {
        Err(_) if refuses => return Err(unknown()),
        mended => mended?.1,
    };
    let is_whole = mended.as_ref().is_some_and(Mended::is_whole);
    let note = mended.map_or_else(|| format!("{table} was damaged: {why}"), |mended| mended.what);
    if is_whole {
        return Ok((note, None));
    }
    if refuses {
        return Err(unknown());
    }
    // An older row may be left, whose owner needs not be the one whose rows these are.
    let recorded = owner::recorded(&lake.table(&table).await?).await?.map_or(0, |owner| owner.number);
    let number = if protects { recorded.max(HeldTenants::by(lake).await.number) + 1 } else { recorded + 1 };
    Ok((note, Some((number, protects))))
}

/// Lets the demo write only where nobody's data is but its own.
///
/// # Errors
/// [`Kind::Config`](crate::error::Kind::Config) when the lakehouse belongs to a tenant, or to one that nobody recorded.
pub async fn admit_demo(lake: &Lake, demo: &Tenant) -> Result<()> {
    let whose = match owner(lake).await? {
        Some(owner) if owner.tenant == *demo => return Ok(()),
        Some(owner) => format!("the data of {}", owner.tenant),
        None if has_rows(lake).await? => {
            "tables of a tenant that an older version of this program didn't record".to_owned()
        }
        None => return Ok(()),
    };
    Err(Error::no_demo(lake, &whose))
}

/// The owner of a lakehouse that is only built upon: what bronze holds may be of the owner before.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when the owner can't be read.
pub(crate) async fn signature(lake: &Lake) -> Result<Signature> {
    Ok(match owner::record(lake).await? {
        RecordedOwner::Missing => Signature { number: 1, tenant: None },
        RecordedOwner::Owner(owner) => Signature::from(&owner),
        // The next run that reads says what to do about it. Until then no table is taken for the last owner's that isn't.
        RecordedOwner::Doubtful(_) => Signature { number: HeldTenants::by(lake).await.number, tenant: None },
    })
}

/// Whether a bronze table holds the rows of another owner.
///
/// # Errors
/// [`Kind::Lake`](crate::error::Kind::Lake) when its log can't be read.
pub(crate) async fn is_of_another(table: &Table, owner: Signature) -> Result<bool> {
    if !table.exists() {
        return Ok(false);
    }
    if table.transaction(OWNER).await?.unwrap_or(1) != owner.number {
        return Ok(true);
    }
    let Some(tenant) = owner.tenant else { return Ok(false) };
    Ok(table.transaction(HELD).await?.is_some_and(|held| held != tenant))
}

/// Says with a commit whose rows the table holds after it. The first owner needs no number, unless the table had another one's.
pub(crate) fn signed(commit: Commit, owner: Signature, moved: bool) -> Commit {
    let commit = if owner.number > 1 || moved { commit.transaction(OWNER, owner.number) } else { commit };
    owner.tenant.into_iter().fold(commit, |commit, tenant| commit.transaction(HELD, tenant))
}

/// Whose rows the bronze tables of a lakehouse say that they hold.
struct HeldTenants {
    /// The highest number of an owner, 1 where none says one.
    number: i64,
    /// The tenants.
    tenants: BTreeSet<i64>,
}

impl HeldTenants {
    async fn by(lake: &Lake) -> Self {
        let mut held = Self { number: 1, tenants: BTreeSet::new() };
        for entity in catalog::entities() {
            let name = TableName::bronze(entity.table);
            match Self::of(lake, &name).await {
                Ok((number, tenant)) => {
                    held.number = held.number.max(number.unwrap_or(1));
                    held.tenants.extend(tenant);
                }
                // It is loaded as a whole before anything of it is used.
                Err(error) => tracing::warn!("{name} doesn't say whose rows it holds: {}", error.report()),
            }
        }
        held
    }

    /// The number of the owner and the tenant that a table notes.
    async fn of(lake: &Lake, name: &TableName) -> Result<(Option<i64>, Option<i64>)> {
        let table = lake.table(name).await?;
        Ok((table.transaction(OWNER).await?, table.transaction(HELD).await?))
    }
}

/// Whether any bronze table is there, in whatever state.
async fn has_rows(lake: &Lake) -> Result<bool> {
    let tables = catalog::entities().iter().map(|entity| TableName::bronze(entity.table)).collect::<Vec<_>>();
    let mut found = stream::iter(tables)
        .map(async |table| match lake.table(&table).await {
            Err(error) if error.kind() == connectwise_lakehouse::error::Kind::Lake => Ok::<_, Error>(true),
            table => Ok(table?.exists()),
        })
        .buffer_unordered(AT_ONCE);
    while let Some(there) = found.try_next().await? {
        if there {
            return Ok(true);
        }
    }
    Ok(false)
}
