//! Errors that mean that memory, the room for temporary files, or the disk was used up.

use datafusion::error::DataFusionError;

/// How DataFusion begins to say that temporary files are as large as they may be.
const FULL: &str = "used disk space during the spilling process has exceeded the allowable limit of ";

/// How it begins to say that memory is used up.
const EXHAUSTED: &str = "Resources exhausted: ";

/// What to say of an error whose cause is that memory, or the room for temporary files, was used up; `None` for others.
pub fn shortage(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    const MORE: &str = "allow more with --memory (CW_MEMORY, or memory in connectwise-etl.toml), or let it read less";
    let mut next = Some(error);
    while let Some(inner) = next {
        let root = inner.downcast_ref::<DataFusionError>().map(DataFusionError::find_root);
        let text = root.map_or_else(|| inner.to_string(), ToString::to_string);
        // Delta makes texts of the errors of its MERGE.
        if text.contains(EXHAUSTED) {
            let between = |from: &str, to: &str| Some(text.split_once(from)?.1.split_once(to)?.0.trim());
            let needed = between("Failed to allocate additional ", " for ");
            let held = between(" with ", " already allocated");
            let limit = between("pool_size: ", ")");
            return Some(match (needed, held, limit) {
                (Some(needed), Some(held), Some(limit)) => format!(
                    "it needed {needed} of memory beyond the {held} that it held, and all there may be is {limit}: {MORE}"
                ),
                _ => format!("it needed more memory than there may be: {MORE}"),
            });
        }
        // The one limit of which there is no kind of error.
        if let Some((_, limit)) = text.split_once(FULL) {
            let limit = limit.split(". ").next().unwrap_or_default().trim();
            return Some(format!("it wrote more than {limit} to temporary files, which is all that it may: {MORE}"));
        }
        next = inner.source();
    }
    None
}

/// What to say of an error whose cause is that memory, temporary files or a disk were used up: whatever it was that needed more,
/// what to do about it is the same.
pub fn used_up(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    shortage(error).or_else(|| full_disk(error).map(str::to_owned))
}

/// What is said of a store that takes no more.
const FULL_DISK: &str = "no space is left on the disk";

/// The same, where an error is that or was made of one that is; `None` for others.
pub fn full_disk(error: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    let mut next = Some(error);
    while let Some(inner) = next {
        let kind = inner.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        if matches!(kind, Some(std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)) {
            return Some(FULL_DISK);
        }
        // Libraries make texts of what they wrap.
        if says_full_disk(&inner.to_string()) {
            return Some(FULL_DISK);
        }
        next = inner.source();
    }
    None
}

/// Whether a text says that a disk is full, as systems say it or this program does.
pub fn says_full_disk(text: &str) -> bool {
    let said = ["No space left on device", "not enough space on the disk", "Disk quota exceeded", FULL_DISK];
    said.iter().any(|said| text.contains(said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_however_it_is_wrapped() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let texts = DataFusionError::Execution(
            "Generic LocalFileSystem error: No space left on device (os error 28)".to_owned(),
        );
        let wrapped = DataFusionError::External(Box::new(full())).context("writing");
        for error in [&full() as &(dyn std::error::Error + 'static), &texts, &wrapped] {
            assert_eq!(full_disk(error), Some("no space is left on the disk"), "{error}");
        }
        assert_eq!(full_disk(&std::io::Error::other("something else")), None);
        let error = crate::error::Error::new(crate::error::Kind::Lake, "a file can't be written").with_source(texts);
        assert_eq!(error.report(), "a file can't be written: no space is left on the disk");
        assert!(error.is_full_disk());
        let error = crate::error::Error::new(crate::error::Kind::Lake, "the step failed").with_source(error);
        assert_eq!(error.report(), "the step failed: no space is left on the disk");
    }

    #[test]
    fn temporary_files_have_their_own_sentence() {
        let text = "The used disk space during the spilling process has exceeded the allowable limit of 2.0 GB. \
            Please try increasing the config: `datafusion.runtime.max_temp_directory_size`.";
        let error = DataFusionError::IoError(std::io::Error::other(text)).context("sorting");
        let said = shortage(&error).unwrap();
        assert!(
            said.starts_with("it wrote more than 2.0 GB to temporary files, which is all that it may: allow more"),
            "{said}"
        );
        assert_eq!(shortage(&DataFusionError::Plan("x".to_owned())), None);
    }
}
