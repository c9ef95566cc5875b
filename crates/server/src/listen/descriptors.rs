//! How many files and sockets the process may have open at a time, and what that leaves for connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not those of connections: open films, the database, requests to stores and to others,
/// caches, the log.
const OTHERS: u64 = 1024;

/// Raises the process's limit of open files as far as so many connections need it, and the system lets it.
/// Gives how many there may be: fewer where that was not enough, and a warning says so.
pub(crate) fn room_for(connections: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let mut files = limit.current;
    if let Some(current) = raised(limit, connections) {
        match setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum: limit.maximum }) {
            Ok(()) => files = Some(current),
            Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
        }
    }
    let room = room(files, connections);
    if room < connections {
        tracing::warn!(
            open_files = files,
            connections = room,
            "limits.connections is {connections}, but this process may open too few files: give it {} (LimitNOFILE, \
             ulimit -Hn), or it takes so many connections only",
            needed(connections),
        );
    }
    room
}

/// What so many connections need.
fn needed(connections: usize) -> u64 {
    u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(OTHERS)
}

/// The limit that is set now, where that helps.
fn raised(limit: Rlimit, connections: usize) -> Option<u64> {
    let current = limit.current?;
    let wanted = needed(connections).min(limit.maximum.unwrap_or(u64::MAX));
    (wanted > current).then_some(wanted)
}

/// So many connections have room where so many files may be open; `None`: any number.
fn room(files: Option<u64>, connections: usize) -> usize {
    let Some(files) = files else { return connections };
    // Of a small number, half: it is better to be slow than to fail.
    let left = files.saturating_sub(OTHERS).max(files / 2);
    usize::try_from(left).unwrap_or(usize::MAX).min(connections).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(current: Option<u64>, maximum: Option<u64>) -> Rlimit {
        Rlimit { current, maximum }
    }

    #[test]
    fn the_limit_is_raised_as_far_as_it_helps() {
        assert_eq!(raised(limit(Some(1024), Some(1 << 20)), 10_000), Some(11_024));
        assert_eq!(raised(limit(Some(1024), None), 10_000), Some(11_024));
        assert_eq!(raised(limit(Some(1024), Some(4096)), 10_000), Some(4096));
        assert_eq!(raised(limit(Some(4096), Some(4096)), 10_000), None, "it is there already");
        assert_eq!(raised(limit(Some(20_000), None), 10_000), None, "never lower");
        assert_eq!(raised(limit(None, None), 10_000), None);
    }

    #[test]
    fn connections_leave_room_for_what_else_is_open() {
        assert_eq!(room(Some(11_024), 10_000), 10_000);
        assert_eq!(room(Some(11_023), 10_000), 9_999);
        assert_eq!(room(Some(1024), 10_000), 512);
        assert_eq!(room(Some(1024), 100), 100);
        assert_eq!(room(Some(0), 100), 1);
        assert_eq!(room(None, usize::MAX), usize::MAX);
        assert_eq!(
            room(Some(u64::MAX), usize::MAX),
            usize::try_from(u64::MAX - OTHERS).unwrap_or(usize::MAX)
        );
    }

    /// On this machine, whatever it lets: the process has what the answer promises.
    #[test]
    fn what_is_promised_is_there() {
        let before = getrlimit(Resource::Nofile).current;
        let room = room_for(2_000);
        let after = getrlimit(Resource::Nofile).current;
        assert!((1..=2_000).contains(&room));
        assert!(after.is_none_or(|after| before.is_some_and(|before| after >= before)));
        assert!(room < 2_000 || after.is_none_or(|after| after >= needed(2_000)));
    }
}
