//! How much memory queries, models and loads may take together, and how much they may write to temporary files instead.

use std::sync::{Arc, LazyLock};

use datafusion::execution::disk_manager::{DiskManager, DiskManagerBuilder};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

use crate::error::{self, Error, Result};
use crate::machine;
use crate::spill::Spills;

/// The least with which a demo was built.
const LEAST: u64 = 128 * MB;
const MB: u64 = 1024 * 1024;
/// Temporary files may take so many times the memory.
const SPILL: u64 = 20;
/// What is assumed where the system doesn't say how much memory there is.
const UNKNOWN: u64 = 4 * 1024 * MB;

/// Memory that all sessions of a lakehouse share. What has no room in it and can be written to temporary files is; else the
/// query fails.
#[derive(Debug)]
pub struct Memory {
    bytes: u64,
    pool: Arc<dyn MemoryPool>,
    disk: Arc<DiskManager>,
}

impl Memory {
    /// Half of the memory that there is, shared by every lakehouse of the process for which nothing else is said.
    pub(crate) fn shared() -> Result<Arc<Self>> {
        static SHARED: LazyLock<Result<Arc<Memory>>> = LazyLock::new(|| {
            let half = machine::memory().unwrap_or(UNKNOWN) / 2;
            Memory::of(half.max(LEAST)).map(Arc::new)
        });
        SHARED.as_ref().map(Arc::clone).map_err(Error::in_one)
    }

    /// So many bytes, and temporary files for what has no room in them.
    ///
    /// # Errors
    /// [`Kind::Io`](connectwise_storage::error::Kind::Io) when there is no place for temporary files.
    pub fn of(bytes: u64) -> Result<Self> {
        let size = usize::try_from(bytes).unwrap_or(usize::MAX);
        let spills = Arc::new(Spills::within(bytes.saturating_mul(SPILL)));
        let disk = DiskManagerBuilder::default().with_temp_file_factory(spills).build();
        let disk = disk.map_err(|error| error::no_temporary_files().with_source(error))?;
        Ok(Self { bytes, pool: Arc::new(FairSpillPool::new(size)), disk: Arc::new(disk) })
    }

    /// What a session runs in: the memory is shared, what it knows of stores and files is its own.
    pub(crate) fn environment(&self) -> Result<Arc<RuntimeEnv>> {
        let builder = RuntimeEnvBuilder::new().with_memory_pool(self.pool.clone());
        let mut environment = builder.build().map_err(|error| error::session().with_source(error))?;
        environment.disk_manager = self.disk.clone();
        Ok(Arc::new(environment))
    }

    /// Bytes that each sort keeps free for putting together what it wrote to files: its share, where there is little memory for
    /// many of them.
    pub(crate) fn sort_reserve(&self) -> u64 {
        let cores = std::thread::available_parallelism().map_or(2, usize::from) as u64;
        (self.bytes / 64 / cores).clamp(64 * 1024, 10 * MB)
    }
}

/// A size as people write it: `2GB`, `512 MiB`, `1.5g`, or bytes. All units are powers of 1024.
///
/// # Errors
/// [`Kind::Config`](connectwise_storage::error::Kind::Config) for anything else, and for less than any build needs.
pub fn memory_size(text: &str) -> Result<u64> {
    let wrong = |why: &str| error::memory_size(text, why);
    let trimmed = text.trim();
    let digits = trimmed.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong("write a number and a unit"))?;
    let unit = unit.trim().to_ascii_lowercase();
    let power = match unit.as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return Err(wrong("its unit is one of B, KB, MB, GB and TB")),
    };
    let bytes = number * 1024_f64.powi(power);
    if bytes < LEAST as f64 {
        return Err(wrong("at least 128MB are needed"));
    }
    // What is larger than any machine is no limit, and casts to the largest number.
    Ok(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Kind, sql_error};
    use crate::session;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("2GB", 2 << 30),
            (" 2 gib ", 2 << 30),
            ("512MB", 512 << 20),
            ("1.5g", 3 << 29),
            ("268435456", 1 << 28),
            ("1t", 1 << 40),
            ("131072 KB", 128 << 20),
        ] {
            assert_eq!(memory_size(text).unwrap(), bytes, "{text}");
        }
        for (text, why) in [
            ("", "write a number and a unit"),
            ("GB", "write a number and a unit"),
            ("-2GB", "write a number and a unit"),
            ("1.2.3GB", "write a number and a unit"),
            ("half", "write a number and a unit"),
            ("2XB", "its unit is one of B, KB, MB, GB and TB"),
            ("50%", "its unit is one of B, KB, MB, GB and TB"),
            ("2", "at least 128MB are needed"),
            ("127MB", "at least 128MB are needed"),
            ("0GB", "at least 128MB are needed"),
        ] {
            let error = memory_size(text).unwrap_err();
            assert!(error.is_usage());
            let said = format!("{text:?} is no size for memory: {why}, for example 2GB or 512MB");
            assert_eq!(error.to_string(), said);
        }
    }

    fn memory(bytes: u64) -> Memory {
        Memory::of(bytes).unwrap()
    }

    async fn rows(memory: &Memory, sql: &str) -> Result<usize> {
        let frame = memory.session()?.sql(sql).await.map_err(sql_error)?;
        Ok(frame.collect().await.map_err(sql_error)?.iter().map(arrow::array::RecordBatch::num_rows).sum())
    }

    /// A join holds one side in memory, and cannot write it to files.
    const HELD: &str = "select count(*) from generate_series(1, 3000000) a(x) join generate_series(1, 3000000) b(x) \
        on a.x = b.x join generate_series(1, 3000000) c(x) on c.x = b.x";

    #[tokio::test]
    async fn what_needs_more_than_there_may_be_is_one_sentence() {
        let error = rows(&memory(8 * MB), HELD).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Sql);
        let text = error.report();
        assert!(text.starts_with("the query failed: it needed "), "{text}");
        assert!(text.contains("all there may be is 8.0 MB: allow more with --memory (CW_MEMORY, "), "{text}");
        assert!(!text.contains('\n') && text.len() < 300, "{text}");
        assert_eq!(rows(&memory(512 * MB), HELD).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn sorts_and_groups_write_to_files_what_has_no_room() {
        let memory = memory(LEAST);
        // 150 MB of texts, and as much for the groups.
        let texts = "select repeat('a', 40) || cast(x as varchar) as t from generate_series(1, 3000000) s(x)";
        let sorted = format!("select count(*) from (select t, row_number() over (order by t) as n from ({texts}))");
        assert_eq!(rows(&memory, &sorted).await.unwrap(), 1);
        assert_eq!(
            rows(&memory, &format!("select count(*) from (select t, count(*) from ({texts}) group by t)"))
                .await
                .unwrap(),
            1
        );
    }

    #[tokio::test]
    async fn all_sessions_share_the_memory() {
        let memory = memory(64 * MB);
        let one = memory.session().unwrap();
        let other = memory.session().unwrap();
        let pool = |session: &datafusion::prelude::SessionContext| session.runtime_env().memory_pool.clone();
        assert!(Arc::ptr_eq(&pool(&one), &pool(&other)));
        assert!(Arc::ptr_eq(&pool(&session().unwrap()), &pool(&session().unwrap())));
    }

    /// A killed process removes nothing, so that there must be nothing to remove.
    #[tokio::test]
    async fn temporary_files_have_no_name() {
        let environment = Memory::of(LEAST).unwrap().environment().unwrap();
        let file = environment.disk_manager.create_tmp_file("test").unwrap();
        assert!(file.path().is_none(), "{:?}", file.path());
        assert!(environment.disk_manager.temp_dir_paths().is_empty());
    }

    #[tokio::test]
    async fn a_sort_that_may_write_no_more_says_so() {
        let mut memory = Memory::of(LEAST / 2).unwrap();
        let spills = Arc::new(Spills::within(1_000));
        memory.disk = Arc::new(DiskManagerBuilder::default().with_temp_file_factory(spills).build().unwrap());
        let texts = "select repeat('a', 40) || cast(x as varchar) as t from generate_series(1, 3000000) s(x)";
        let sorted =
            format!("select max(t), max(n) from (select t, row_number() over (order by t) as n from ({texts}))");
        let error = rows(&memory, &sorted).await.unwrap_err().report();
        assert!(
            error.contains("it wrote more than 1000.0 B to temporary files, which is all that it may: allow more"),
            "{error}"
        );
    }
}
