//! How much memory there is, and how much of it the cache takes where nobody says.

#[cfg(target_os = "linux")]
use std::path::{Path, PathBuf};

/// Bytes of samples kept in memory by default: a quarter of the memory, 256 MB to 4 GB.
pub(super) fn default_cache_bytes() -> usize {
    let bytes = share_of(memory_bytes());
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// The cache's share of the memory; `None` where the system does not say how much there is.
fn share_of(memory_bytes: Option<u64>) -> u64 {
    const LEAST: u64 = 256 << 20;
    const MOST: u64 = 4 << 30;
    const UNKNOWN: u64 = 1 << 30;
    memory_bytes.map_or(UNKNOWN, |bytes| (bytes / 4).clamp(LEAST, MOST))
}

/// What this process may use.
#[cfg(target_os = "linux")]
fn memory_bytes() -> Option<u64> {
    told_by(&|path| std::fs::read_to_string(path).ok())
}

/// Memory of the machine.
#[cfg(not(target_os = "linux"))]
fn memory_bytes() -> Option<u64> {
    use sysinfo::{MemoryRefreshKind, RefreshKind, System};
    let memory = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory));
    // 0 where the system did not say.
    system
        .ok()
        .map(|system| system.total_memory())
        .filter(|bytes| *bytes > 0)
}

/// The machine's memory from `/proc/meminfo` (proc(5)), or what the control groups of this process leave of it
/// (cgroups(7)): a container or a job of a cluster is ended where it takes more.
#[cfg(target_os = "linux")]
fn told_by(text_of: &dyn Fn(&Path) -> Option<String>) -> Option<u64> {
    let machine = text_of(Path::new("/proc/meminfo")).and_then(|text| total_of(&text));
    let groups = text_of(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let files = groups.lines().flat_map(limit_files);
    // "max" is no number and no limit.
    let limits = files.filter_map(|file| text_of(&file)?.trim().parse().ok());
    machine.into_iter().chain(limits).min()
}

#[cfg(target_os = "linux")]
fn total_of(meminfo: &str) -> Option<u64> {
    let mut lines = meminfo.lines();
    let total = lines.find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kilobytes: u64 = total.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// Where the limit of a line's group stands, and those of the groups around it, which hold for it, too.
///
/// A line is `number:controllers:path`. A container may be told a path that is not there, and finds its own group at the
/// root: what does not exist is no limit.
#[cfg(target_os = "linux")]
fn limit_files(line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else {
        return Vec::new();
    };
    let (root, name) = if controllers.is_empty() {
        ("/sys/fs/cgroup", "memory.max")
    } else if controllers.split(',').any(|it| it == "memory") {
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
    } else {
        return Vec::new();
    };
    let groups = Path::new(group.trim_start_matches('/')).ancestors();
    groups
        .map(|group| Path::new(root).join(group).join(name))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_takes_a_quarter_within_its_bounds() {
        for (memory_mb, cache_mb) in [(512, 256), (8192, 2048), (65_536, 4096)] {
            assert_eq!(share_of(Some(memory_mb << 20)), cache_mb << 20);
        }
        assert_eq!(share_of(None), 1024 << 20);
    }

    #[test]
    fn this_machine_says_how_much_memory_it_has() {
        let bytes = memory_bytes().unwrap();
        assert!(bytes > 64 << 20, "{bytes}");
    }

    #[cfg(target_os = "linux")]
    fn check(files: &[(&str, &str)], expected: Option<u64>) {
        let text_of = |path: &Path| {
            let mut found = files.iter().filter(|(name, _)| Path::new(name) == path);
            found.next().map(|(_, text)| (*text).to_owned())
        };
        assert_eq!(told_by(&text_of), expected, "{files:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_narrowest_group_around_this_process_counts() {
        const MACHINE: (&str, &str) = ("/proc/meminfo", "MemTotal:  8000000 kB\nMemFree: 1 kB\n");
        const ALL: Option<u64> = Some(8_000_000 * 1024);
        let groups = |text| ("/proc/self/cgroup", text);
        let two = groups("0::/user.slice/job.scope\n");
        let one = groups("5:cpu:/a\n4:cpuset,memory:/docker/f00\n0::/\n");
        check(&[], None);
        check(&[MACHINE], ALL);
        check(&[MACHINE, groups("nonsense\n1:\n")], ALL);
        check(
            &[
                MACHINE,
                two,
                ("/sys/fs/cgroup/user.slice/job.scope/memory.max", "max\n"),
            ],
            ALL,
        );
        check(
            &[
                MACHINE,
                two,
                ("/sys/fs/cgroup/user.slice/job.scope/memory.max", "3000\n"),
                ("/sys/fs/cgroup/user.slice/memory.max", "2000\n"),
            ],
            Some(2000),
        );
        let of_one = "/sys/fs/cgroup/memory/docker/f00/memory.limit_in_bytes";
        check(&[MACHINE, one, (of_one, "9223372036854771712\n")], ALL);
        check(&[MACHINE, one, (of_one, "4096\n")], Some(4096));
        // The group of a container seen from within.
        let root = "/sys/fs/cgroup/memory/memory.limit_in_bytes";
        check(&[MACHINE, one, (root, "8192\n")], Some(8192));
    }
}
