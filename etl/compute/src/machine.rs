//! How much memory this process may take: that of the machine, or less where a control group says so.

use std::fs::read_to_string;
use std::path::{Path, PathBuf};

/// Bytes of memory, `None` where the system doesn't say.
pub(crate) fn memory() -> Option<u64> {
    below(Path::new("/"))
}

/// The same, read from the files of a system below `root`.
fn below(root: &Path) -> Option<u64> {
    let all = [installed(root), limit(root)];
    all.into_iter().flatten().min()
}

fn installed(root: &Path) -> Option<u64> {
    let text = read_to_string(root.join("proc/meminfo")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// The least limit of the control groups that the process is in, of either version. A group without a limit says `max` or a
/// number beyond any machine.
fn limit(root: &Path) -> Option<u64> {
    let groups = read_to_string(root.join("proc/self/cgroup")).ok()?;
    let mut least: Option<u64> = None;
    for line in groups.lines() {
        let mut parts = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(group)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let (top, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            controllers if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let group: PathBuf = Path::new(group.trim_start_matches('/'))
            .components()
            .filter(|part| matches!(part, std::path::Component::Normal(_)))
            .collect();
        // Within a container the path may be that of the host, of which only the top is there.
        for group in group.ancestors() {
            let Ok(text) = read_to_string(root.join(top).join(group).join(file)) else { continue };
            if let Ok(bytes) = text.trim().parse::<u64>() {
                least = Some(least.map_or(bytes, |least| least.min(bytes)));
            }
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A system with these files.
    fn system(files: &[(&str, &str)]) -> Option<u64> {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let place = root.path().join(name);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(place, text).unwrap();
        }
        below(root.path())
    }

    const MACHINE: (&str, &str) = ("proc/meminfo", "MemTotal:       16384000 kB\nMemFree:        1000 kB\n");
    const INSTALLED: Option<u64> = Some(16_384_000 * 1024);

    #[test]
    fn the_smaller_of_machine_and_control_group_counts() {
        assert_eq!(system(&[]), None);
        assert_eq!(system(&[MACHINE]), INSTALLED);
        let second = ("proc/self/cgroup", "0::/\n");
        assert_eq!(system(&[MACHINE, second, ("sys/fs/cgroup/memory.max", "536870912\n")]), Some(536_870_912));
        assert_eq!(system(&[MACHINE, second, ("sys/fs/cgroup/memory.max", "max\n")]), INSTALLED);
        let first = ("proc/self/cgroup", "5:cpu,cpuacct:/x\n9:memory:/docker/abc\n1:name=systemd:/x\n");
        let top = ("sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");
        assert_eq!(system(&[MACHINE, first, top]), Some(1_073_741_824));
        let none = ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n");
        assert_eq!(system(&[MACHINE, first, none]), INSTALLED);
        let more = ("sys/fs/cgroup/memory.max", "99999999999999\n");
        assert_eq!(system(&[MACHINE, second, more]), INSTALLED);
    }

    #[test]
    fn a_group_is_bound_by_those_that_it_is_in() {
        let nested = ("proc/self/cgroup", "0::/kubepods/pod1/c1\n");
        let files = [
            MACHINE,
            nested,
            ("sys/fs/cgroup/kubepods/pod1/c1/memory.max", "max"),
            ("sys/fs/cgroup/kubepods/pod1/memory.max", "2147483648"),
            ("sys/fs/cgroup/kubepods/memory.max", "4294967296"),
        ];
        assert_eq!(system(&files), Some(2_147_483_648));
    }
}
