//! What the processes of a browser take, as Linux counts it.

use std::path::Path;

/// Ticks of processor time in a second: `USER_HZ`, which is the same wherever a browser runs on Linux.
const TICKS: f64 = 100.0;

/// One process at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Process {
    /// What Chromium starts it as: `renderer`, `gpu-process`, `utility` and the like; empty for the browser's
    /// own.
    pub kind: String,
    /// Seconds of processor time since it began, of all its threads.
    pub busy: f64,
    /// Octets in memory, shared ones too (`VmRSS`).
    pub resident: u64,
    /// Octets in memory, shared ones divided among those who share them (`Pss`). `None` where another user
    /// may not ask.
    pub proportional: Option<u64>,
}

/// All processes that come from this one, but not itself.
pub(crate) fn below(root: u32) -> Vec<Process> {
    let all: Vec<(u32, u32, std::path::PathBuf)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let folder = entry.ok()?.path();
            let id = folder.file_name()?.to_str()?.parse().ok()?;
            // One that ends in this moment is none of them.
            let parent = stat(&folder)?.0;
            Some((id, parent, folder))
        })
        .collect();
    let mut ours = vec![root];
    let mut next = 0;
    while let Some(&above) = ours.get(next) {
        ours.extend(all.iter().filter(|(_, parent, _)| *parent == above).map(|(id, ..)| *id));
        next += 1;
    }
    all.iter().filter(|(id, ..)| ours[1..].contains(id)).filter_map(|(.., folder)| process(folder)).collect()
}

fn process(folder: &Path) -> Option<Process> {
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).ok();
    let arguments = text("cmdline")?;
    let kind = arguments.split(['\0', ' ']).find_map(|argument| argument.strip_prefix("--type="));
    let resident = octets(&text("status")?, "VmRSS:")?;
    let proportional = text("smaps_rollup").and_then(|text| octets(&text, "Pss:"));
    Some(Process { kind: kind.unwrap_or_default().to_owned(), busy: stat(folder)?.1, resident, proportional })
}

/// The parent's number and the processor time in seconds.
fn stat(folder: &Path) -> Option<(u32, f64)> {
    read_stat(&std::fs::read_to_string(folder.join("stat")).ok()?)
}

fn read_stat(text: &str) -> Option<(u32, f64)> {
    // The name, in brackets, may have spaces and brackets in it.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((fields.get(1)?.parse().ok()?, (ticks(11)? + ticks(12)?) / TICKS))
}

/// A line of `name: N kB`.
fn octets(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_proc_are_read() {
        let stat = "42 (a (b) c) S 7 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 1234 1000 100";
        assert_eq!(read_stat(stat), Some((7, 3.0)));
        assert_eq!(octets("Name:\tx\nVmRSS:\t    12 kB\n", "VmRSS:"), Some(12 * 1024));
        assert_eq!(octets("Rss:  5 kB\nPss:  3 kB\nPss_Dirty:  1 kB\n", "Pss:"), Some(3 * 1024));
        assert_eq!(octets("", "Pss:"), None);
    }
}
