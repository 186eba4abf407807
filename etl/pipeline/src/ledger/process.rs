//! Whether the process of an earlier run still lives, as far as that can be told on the machine where it ran.

use std::fs;

use twox_hash::XxHash3_64;

/// This process: a fingerprint of the machine since it started, which says nothing about it, and the process's number and
/// start. `None` where the system doesn't tell.
pub(super) fn own() -> Option<String> {
    let number = std::process::id();
    Some(format!("{:016x}/{number}/{}", machine()?, started(number)?))
}

/// Whether a process is gone; `None` where that can't be told from here.
pub(super) fn is_gone(process: &str) -> Option<bool> {
    let mut parts = process.split('/');
    let place = parts.next()?;
    let number = parts.next()?.parse().ok()?;
    let start = parts.next()?;
    // Another machine, another container, or the same one before it was started again.
    if u64::from_str_radix(place, 16).ok()? != machine()? {
        return None;
    }
    Some(started(number).is_none_or(|now| now != start))
}

/// What differs between machines, between containers on one, and whenever one starts.
fn machine() -> Option<u64> {
    let start = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(XxHash3_64::oneshot(format!("{start}{}", space.display()).as_bytes()))
}

/// When a process started, in the system's ticks; `None` when there is no such process or it is dead.
fn started(number: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name of the program stands in parentheses and may hold anything; the state is the first thing behind it.
    let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
    let state = rest.next()?;
    if matches!(state, "Z" | "X") { None } else { rest.nth(18).map(str::to_owned) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_lives_until_it_is_gone() {
        let own = own().unwrap();
        assert_eq!(is_gone(&own), Some(false));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let number = child.id();
        child.wait().unwrap();
        let place = own.split('/').next().unwrap();
        assert_eq!(is_gone(&format!("{place}/{number}/1")), Some(true));
        assert_eq!(
            is_gone(&format!("{place}/{}/1", std::process::id())),
            Some(true),
            "its number was given to another"
        );
        assert_eq!(is_gone("0000000000000000/1/1"), None, "another machine");
        assert_eq!(is_gone("nonsense"), None);
    }
}
