//! Checksums of data files, which stand in their names.
//!
//! The log says how long a file is and what keys are in it. A value that somebody changes within a file, in its length, is known
//! from its bytes only. A name is in the log and in every checkpoint, whoever writes them, and no reader cares what it is.

use twox_hash::XxHash3_64;

/// What ends the names of files that this program writes.
const ENDING: &str = ".snappy.parquet";

/// A new name for a file of these bytes.
pub(super) fn name(bytes: &[u8]) -> String {
    format!("part-{}-{:016x}{ENDING}", uuid::Uuid::now_v7(), XxHash3_64::oneshot(bytes))
}

/// The checksum that a name holds, `None` where another program, or an older version of this one, gave it.
pub(super) fn told(path: &str) -> Option<u64> {
    let name = path.rsplit('/').next()?.strip_prefix("part-")?.strip_suffix(ENDING)?;
    let (id, sum) = name.split_at_checked(36)?;
    uuid::Uuid::try_parse(id).ok()?;
    let sum = sum.strip_prefix('-').filter(|sum| sum.len() == 16)?;
    u64::from_str_radix(sum, 16).ok()
}

/// Whether the bytes of a file are those that were written under its name; `None` where the name doesn't say.
pub(super) fn holds(path: &str, bytes: &[u8]) -> Option<bool> {
    told(path).map(|sum| sum == XxHash3_64::oneshot(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_whether_the_bytes_are_those_that_were_written() {
        let name = name(b"some bytes");
        assert_eq!(holds(&name, b"some bytes"), Some(true));
        assert_eq!(holds(&name, b"some bytez"), Some(false));
        for other in [
            "part-00000-0b6c7b1e-8f0d-4e0e-9a39-0d9d6d0a2a51-c000.snappy.parquet",
            "part-019ad0f2-7c1e-7f7a-a1f4-3c0f5a7d9e11.snappy.parquet",
            "part-019ad0f2-7c1e-7f7a-a1f4-3c0f5a7d9e11-xyz.snappy.parquet",
            "part-ä.snappy.parquet",
            "x",
        ] {
            assert_eq!(told(other), None, "{other}");
        }
    }
}
