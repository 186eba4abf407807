//! Errors that mean that memory, the room for temporary files, or the disk was used up.

use std::error::Error;
use std::io::{self, ErrorKind};

use crate::sentence::chain;
use crate::words::{self, FULL_DISK};

/// What to say of an error whose cause is that memory, or the room for temporary files, was used up; `None` for others.
pub fn shortage(error: &(dyn Error + 'static)) -> Option<String> {
    const MORE: &str = "allow more with --memory (CW_MEMORY, or memory in connectwise-etl.toml), or let it read less";
    let memory = |text: &str| match words::amounts(text) {
        Some([needed, held, limit]) => format!(
            "it needed {needed} of memory beyond the {held} that it held, and all there may be is {limit}: {MORE}"
        ),
        None => format!("it needed more memory than there may be: {MORE}"),
    };
    let files = |most: &str| format!("it wrote more than {most} to temporary files, which is all that it may: {MORE}");
    chain(error).map(ToString::to_string).find_map(|text| match words::exhausted(&text) {
        true => Some(memory(&text)),
        false => words::spilled(&text).map(files),
    })
}

/// What to say of an error whose cause is that memory, temporary files or a disk were used up: whatever it was that needed more,
/// what to do about it is the same.
pub fn used_up(error: &(dyn Error + 'static)) -> Option<String> {
    shortage(error).or_else(|| full_disk(error).map(str::to_owned))
}

/// What is said of a store that takes no more, where an error is that or was made of one that is; `None` for others.
pub fn full_disk(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let is_full = |inner: &(dyn Error + 'static)| {
        let kind = inner.downcast_ref::<io::Error>().map(io::Error::kind);
        // Libraries make texts of what they wrap.
        matches!(kind, Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded)) || words::full_disk(&inner.to_string())
    };
    chain(error).any(is_full).then_some(FULL_DISK)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Kind};

    #[test]
    fn a_full_disk_is_known_however_it_is_wrapped() {
        let full = || io::Error::from(ErrorKind::StorageFull);
        let texts = || io::Error::other("Generic LocalFileSystem error: No space left on device (os error 28)");
        let wrapped = object_store::Error::Generic { store: "local", source: Box::new(full()) };
        for error in [&full() as &(dyn std::error::Error + 'static), &texts(), &wrapped] {
            assert_eq!(full_disk(error), Some("no space is left on the disk"), "{error}");
        }
        assert_eq!(full_disk(&io::Error::other("something else")), None);
        let error = Error::new(Kind::Lake, "a file can't be written").with_source(texts());
        assert_eq!(error.report(), "a file can't be written: no space is left on the disk");
        assert!(error.is_full_disk());
        let error = Error::new(Kind::Lake, "the step failed").with_source(error);
        assert_eq!(error.report(), "the step failed: no space is left on the disk");
    }
}
