//! Errors that mean that memory, or the room for temporary files, was used up.

use datafusion::error::DataFusionError;

/// How DataFusion begins to say that temporary files are as large as they may be.
const FULL: &str = "used disk space during the spilling process has exceeded the allowable limit of ";

/// How it begins to say that memory is used up.
const EXHAUSTED: &str = "Resources exhausted: ";

/// What to say of an error whose cause is that memory, or the room for temporary files, was used up; `None` for others.
pub(crate) fn shortage(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    const MORE: &str = "allow more with --memory (CW_MEMORY, or memory in connectwise-etl.toml), or let it read less";
    let mut next = Some(error);
    while let Some(inner) = next {
        let root = inner.downcast_ref::<DataFusionError>().map(DataFusionError::find_root);
        let text = root.map_or_else(|| inner.to_string(), ToString::to_string);
        // Delta makes texts of the errors of its MERGE.
        if text.contains(EXHAUSTED) {
            let between = |from: &str, to: &str| Some(text.split_once(from)?.1.split_once(to)?.0.trim());
            let needed = between("Failed to allocate additional ", " for ");
            let (held, limit) = (between(" with ", " already allocated"), between("pool_size: ", ")"));
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

#[cfg(test)]
mod tests {
    use super::*;

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
