//! What only long events show: runs in `cargo xtask soak`.

use super::Tape;
use super::restart::{Process, Served};
use tokio::io::AsyncWriteExt as _;

/// Seconds of the film that is sent again and again, and segments of it.
const LAP: u32 = 8;
const SEGMENTS: u32 = LAP / 2;
/// Two hours.
const LAPS: u32 = 2 * 3600 / LAP;
/// Ten minutes: until then the window fills.
const FULL: u32 = 600 / LAP;

/// Octets of a process that are in memory; `None` where the system does not say.
fn memory(process: &Process) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kilobytes| kilobytes << 10)
}

/// B80: two hours of an event, faster than they play: the server is as large at the end as after ten minutes,
/// but for a quarter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b80_two_hours_take_no_more_memory_than_ten_minutes() {
    if std::env::var_os("MATINEE_SOAK").is_none() {
        println!("skipped: some minutes long; `cargo xtask soak` runs it");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (process, served, events) = Served::begin(&data).await;
    let mut requests = Vec::new();
    for (name, tape) in [("v.cmfv", Tape::video(LAP)), ("a.cmfa", Tape::audio(LAP))] {
        let mut stream = served.request(process.address, name).await;
        stream.write_all(&tape.header()).await.unwrap();
        requests.push((stream, tape));
    }
    let mut sizes = Vec::new();
    for lap in 0..LAPS {
        for (stream, tape) in &mut requests {
            for fragment in tape.fragments(12, f64::from(lap * LAP)) {
                stream.write_all(&fragment).await.unwrap();
            }
        }
        // Pictures and sound go on side by side.
        let session = served.session(&events).await;
        let there = u64::from((lap + 1) * SEGMENTS - 1);
        served
            .index(process.address, &session, |index| {
                index["last"].as_u64().is_some_and(|last| last >= there)
            })
            .await;
        if lap % FULL == FULL - 1 {
            sizes.extend(memory(&process));
        }
    }
    println!("octets in memory after each ten minutes: {sizes:?}");
    let Some((first, rest)) = sizes.split_first() else { return };
    assert!(rest.iter().all(|size| size * 4 <= first * 5), "{sizes:?}");
}
