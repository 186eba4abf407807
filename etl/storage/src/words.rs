//! What libraries say of an error in words only. Nothing else in the crates of a lakehouse decides by the text of an error.
//!
//! deltalake 1.1.3 makes a text of every error of DataFusion but those of Arrow, Parquet, files and stores: of memory
//! ([`exhausted`]), of temporary files ([`spilled`]) and of what our own streams put into a plan, a full disk among it
//! ([`full_disk`]). How much memory it was DataFusion 55.2 says in its text alone ([`amounts`]), so that its kind would tell nothing
//! more. object_store 0.13.2 keeps the type to itself that has the status of an answer ([`answer`]), or that says where a bucket isn't
//! ([`redirected`]).
//!
//! Tests make the real errors, in the crates that know their libraries, so that an update which changes the words fails.

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
    Some(limit.split_once(". ").map_or(limit, |(limit, _)| limit).trim())
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

/// Whether a store answered that something is elsewhere, and not where.
pub(super) fn redirected(text: &str) -> bool {
    text.contains("Received redirect without LOCATION")
}
