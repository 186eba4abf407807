//! What libraries say of an error in words only. Nothing else in this crate decides by the text of an error.
//!
//! deltalake 1.1.3 makes a text of every error of DataFusion but those of Arrow, Parquet, files and stores: of memory
//! ([`exhausted`]), of temporary files ([`spilled`]) and of what our own streams put into a plan, a full disk among it
//! ([`full_disk`]). How much memory it was DataFusion 55.2 says in its text alone ([`amounts`]). object_store 0.13.2 keeps the
//! type to itself that has the status of an answer ([`answer`]).
//!
//! Tests make the real errors, here and in `memory` and `azure`, so that an update which changes the words fails.

/// How the library of the stores begins to say which answer it got.
pub(super) const ANSWER: &str = "Server returned non-2xx status code: ";

/// What this program says of a store that takes no more.
pub(super) const FULL_DISK: &str = "no space is left on the disk";

/// Whether memory was used up.
pub(super) fn exhausted(text: &str) -> bool {
    text.contains("Resources exhausted: ")
}

/// Of a text that says that memory was used up: what was needed beyond what was held, what was held, and all that there may be.
pub(super) fn amounts(text: &str) -> Option<[&str; 3]> {
    let between = |from: &str, to: &str| Some(text.split_once(from)?.1.split_once(to)?.0.trim());
    Some([
        between("Failed to allocate additional ", " for ")?,
        between(" with ", " already allocated")?,
        between("pool_size: ", ")")?,
    ])
}

/// All that temporary files may hold, where a text says that they do.
pub(super) fn spilled(text: &str) -> Option<&str> {
    let (_, limit) =
        text.split_once("used disk space during the spilling process has exceeded the allowable limit of ")?;
    Some(limit.split(". ").next().unwrap_or_default().trim())
}

/// Whether a text says that a disk is full, as systems say it or this program does.
pub(super) fn full_disk(text: &str) -> bool {
    let said = ["No space left on device", "not enough space on the disk", "Disk quota exceeded", FULL_DISK];
    said.iter().any(|said| text.contains(said))
}

/// The status that a store answered, and behind it the text of its answer.
pub(super) fn answer(text: &str) -> Option<&str> {
    Some(text.split_once(ANSWER)?.1)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use datafusion::error::DataFusionError;
    use datafusion::execution::TempFileFactory;
    use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryPool};
    use deltalake::DeltaTableError;

    use crate::shortage::{full_disk, shortage};
    use crate::spill::Spills;

    /// An error of DataFusion as deltalake hands it on.
    fn as_text(error: DataFusionError) -> DeltaTableError {
        let error = DeltaTableError::from(error.context("sorting"));
        assert!(std::error::Error::source(&error).is_none(), "deltalake keeps it by now: {error:?}");
        error
    }

    #[test]
    fn memory_that_is_used_up_is_known_by_its_kind_and_by_its_text() {
        let pool: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(1_000));
        let exhausted = || MemoryConsumer::new("a sort").register(&pool).try_grow(2_000).unwrap_err();
        let said = shortage(&exhausted()).unwrap();
        let start =
            "it needed 2000.0 B of memory beyond the 0.0 B that it held, and all there may be is 1000.0 B: allow";
        assert!(said.starts_with(start), "{said}");
        assert_eq!(shortage(&as_text(exhausted())), Some(said));
    }

    #[test]
    fn temporary_files_that_are_full_are_known_by_their_kind_and_by_their_text() {
        let full = || {
            let file = Spills::within(1_000).create_temp_file("test").unwrap();
            DataFusionError::IoError(file.open_writer().unwrap().write_all(&[0; 2_000]).unwrap_err())
        };
        let said = shortage(&full()).unwrap();
        assert!(said.starts_with("it wrote more than 1000.0 B to temporary files, which is all that it may"), "{said}");
        assert_eq!(shortage(&as_text(full())), Some(said));
    }

    /// Linux has a device that is always full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_known_by_its_kind_and_by_its_text() {
        let full = || DataFusionError::IoError(std::fs::write("/dev/full", "x").unwrap_err());
        assert_eq!(full_disk(&full()), Some("no space is left on the disk"));
        assert_eq!(full_disk(&as_text(full())), Some("no space is left on the disk"));
    }
}
