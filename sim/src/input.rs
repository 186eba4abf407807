//! Files that a simulator is started with.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// An interface document has 20 MB, and no sample or script is as large.
const LARGEST: u64 = 256 * 1024 * 1024;

/// Reads a file whole, and refuses one that is larger than any that the simulator can use: a device such as `/dev/zero` has
/// no end.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        let reason = format!("it is larger than {} MB, name another one", LARGEST / (1024 * 1024));
        return Err(Error::new(ErrorKind::FileTooLarge, reason));
    }
    Ok(content)
}

/// The same, as text.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Error::new(ErrorKind::InvalidData, "it isn't UTF-8 text"))
}
