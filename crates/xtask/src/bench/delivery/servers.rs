//! Servers under measurement: ours and nginx, on the same cores.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::command::{self, on_path, shown, start};
use crate::error::Error;
use crate::http;
use crate::project::Project;

/// How long a server may take to get ready.
const READY: Duration = Duration::from_secs(60);
/// In what `/proc` counts: hundredths of a second, on every machine with Linux (`USER_HZ`).
const TICKS: f64 = 100.0;

/// A running server; ended when it is dropped.
pub(crate) struct Server {
    child: Child,
    command: String,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a server, and waits until it answers at a path, whatever it answers.
    ///
    /// # Errors
    /// [`Error::Start`]; [`Error::Server`] where it ends, or is not ready in time.
    pub(in crate::bench) fn start(
        command: &mut Command,
        address: SocketAddr,
        path: &str,
    ) -> Result<Self, Error> {
        let child = command.stdin(Stdio::null()).spawn().map_err(|source| start(command, source))?;
        let mut this = Self { child, command: shown(command), address };
        let begun = Instant::now();
        while http::status(address, path).is_none() {
            if let Ok(Some(status)) = this.child.try_wait() {
                return Err(Error::Server(format!("`{}` ended ({status})", this.command)));
            }
            if begun.elapsed() > READY {
                return Err(Error::Server(format!(
                    "`{}` is not ready after {} s",
                    this.command,
                    READY.as_secs()
                )));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(this)
    }

    /// Seconds of processor time that it has used, all of its threads together.
    ///
    /// # Errors
    /// [`Error::File`] and [`Error::Content`] where the system does not say.
    pub(super) fn processor_time(&self) -> Result<f64, Error> {
        let path = PathBuf::from(format!("/proc/{}/stat", self.child.id()));
        let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        ticks(&text)
            .map(|ticks| ticks as f64 / TICKS)
            .ok_or_else(|| Error::Content { path, problem: "is not understood".to_owned() })
    }

    /// Bytes of memory that it has.
    ///
    /// # Errors
    /// As [`processor_time`](Self::processor_time).
    pub(crate) fn resident(&self) -> Result<u64, Error> {
        let path = PathBuf::from(format!("/proc/{}/status", self.child.id()));
        let text = std::fs::read_to_string(&path).map_err(Error::file(&path))?;
        resident(&text).ok_or_else(|| Error::Content { path, problem: "is not understood".to_owned() })
    }

    /// Seconds of processor time and bytes of memory of the server and of the processes that it has started.
    /// What they share is counted in each.
    ///
    /// # Errors
    /// [`Error::File`] where the system does not say.
    pub(in crate::bench) fn family(&self) -> Result<(f64, u64), Error> {
        let all = Path::new("/proc");
        let entries = std::fs::read_dir(all).map_err(Error::file(all))?;
        let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let (mut used, mut bytes) = (0, 0);
        for id in ids {
            // One that has ended meanwhile is not there any more.
            let read = |name: &str| std::fs::read_to_string(all.join(id.to_string()).join(name)).ok();
            let Some(stat) = read("stat") else { continue };
            if id == self.child.id() || parent(&stat) == Some(self.child.id()) {
                used += ticks(&stat).unwrap_or(0);
                bytes += read("status").and_then(|text| resident(&text)).unwrap_or(0);
            }
        }
        Ok((used as f64 / TICKS, bytes))
    }
}

/// Seconds of processor time that this process has used.
///
/// # Errors
/// [`Error::File`] and [`Error::Content`] where the system does not say.
pub(in crate::bench) fn own_time() -> Result<f64, Error> {
    let path = Path::new("/proc/self/stat");
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    ticks(&text)
        .map(|ticks| ticks as f64 / TICKS)
        .ok_or_else(|| Error::Content { path: path.to_owned(), problem: "is not understood".to_owned() })
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone after the wait. nginx's workers end with their
        // master when it is asked, and would stay if it were killed.
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        let _ = self.child.wait();
    }
}

/// User and system time in the text of `/proc/PID/stat`. What stands in brackets may have anything in it.
fn ticks(text: &str) -> Option<u64> {
    let (_, rest) = text.rsplit_once(')')?;
    // The first behind the name is field 3; these are 14 and 15.
    let mut fields = rest.split_whitespace().skip(11).map(|field| field.parse::<u64>().ok());
    Some(fields.next()?? + fields.next()??)
}

/// The process that started it, in the text of `/proc/PID/stat`.
fn parent(text: &str) -> Option<u32> {
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// Bytes of resident memory in the text of `/proc/PID/status`.
fn resident(text: &str) -> Option<u64> {
    let size = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = size.trim().strip_suffix(" kB")?.parse().ok()?;
    kilobytes.checked_mul(1024)
}

/// An address of this machine that nobody listens at.
///
/// # Errors
/// [`Error::Server`] when the system has none.
pub(in crate::bench) fn free_address() -> Result<SocketAddr, Error> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    bound.map_err(|error| Error::Server(error.to_string()))
}

/// The first two cores that this process may run on, as `taskset` takes them.
///
/// # Errors
/// [`Error::File`]; [`Error::Content`] where the system does not say.
pub(in crate::bench) fn two_cores() -> Result<String, Error> {
    let path = Path::new("/proc/self/status");
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    let list = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    list.and_then(first_two)
        .ok_or_else(|| Error::Content { path: path.to_owned(), problem: "names no cores".to_owned() })
}

/// The first two of a list such as `0-3,8`; where there is one, that.
fn first_two(list: &str) -> Option<String> {
    let mut cores: Vec<String> = Vec::new();
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.parse().ok()?, last.parse().ok()?);
        cores.extend((first..=last).take(2).map(|core| core.to_string()));
    }
    cores.truncate(2);
    (!cores.is_empty()).then(|| cores.join(","))
}

/// Starts Matinee on these cores. Its log goes nowhere, but is written.
///
/// # Errors
/// As [`Server::start`].
pub(in crate::bench) fn matinee(
    project: &Project,
    binary: &Path,
    config: &Path,
    (address, cores): (SocketAddr, &str),
) -> Result<Server, Error> {
    let mut serve = command::command(project, "taskset");
    serve.args(["-c", cores]).arg(binary).arg("--config").arg(config).arg("serve");
    Server::start(serve.stdout(Stdio::null()).stderr(Stdio::null()), address, "/readyz")
}

/// Starts nginx on these cores: it sends the same files, checks the same tokens, keeps files open as long as
/// ours, and writes a line for each request to nowhere, too.
///
/// # Errors
/// As [`Server::start`]; [`Error::File`].
pub(super) fn nginx(
    project: &Project,
    folder: &Path,
    (library, secret): (&Path, &str),
    cores: &str,
) -> Result<Server, Error> {
    let address = free_address()?;
    let at = |name: &str| folder.join(name).display().to_string();
    // As root its workers would be somebody else, who may not read the library.
    let user = if rustix::process::geteuid().is_root() { "user root;\n" } else { "" };
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {};\n", at(what)))
        .concat();
    let configuration = format!(
        "{user}daemon off;\nworker_processes 2;\npid {pid};\nerror_log stderr;\nevents {{ worker_connections 1024; }}\n\
         http {{\n{temporary}access_log /dev/null combined;\nsendfile on;\ntcp_nopush on;\ntypes {{ video/mp4 mp4; }}\n\
         keepalive_requests 100000000;\nopen_file_cache max=512;\nopen_file_cache_valid 10s;\n\
         server {{\nlisten {address};\nlocation /s/ {{\nsecure_link $arg_md5,$arg_expires;\n\
         secure_link_md5 \"$secure_link_expires$uri {secret}\";\nif ($secure_link = \"\") {{ return 403; }}\n\
         if ($secure_link = \"0\") {{ return 400; }}\nalias {library}/;\n}}\n}}\n}}\n",
        pid = at("nginx.pid"),
        library = library.display(),
    );
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration).map_err(Error::file(&file))?;
    let program = on_path("nginx").unwrap_or_else(|| PathBuf::from("/usr/sbin/nginx"));
    let mut nginx = command::command(project, "taskset");
    nginx.args(["-c", cores]).arg(program).args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(&file);
    Server::start(&mut nginx, address, "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cores_of_those_that_are_allowed() {
        for (list, two) in
            [("\t0-3", "0,1"), ("5", "5"), ("2,7-9", "2,7"), ("0-0,4", "0,4"), ("0-4294967295", "0,1")]
        {
            assert_eq!(first_two(list).as_deref(), Some(two), "{list}");
        }
        assert_eq!(first_two(""), None);
        assert_eq!(first_two("0-x"), None);
    }

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let text = "7 (a) b (c)) S 1 7 7 0 -1 4194304 1 0 0 0 250 50 0 0 20 0 4 0 1 2 3";
        assert_eq!((ticks(text), parent(text)), (Some(300), Some(1)));
        assert_eq!(ticks("7 (a) S 1"), None);
        assert_eq!(ticks(""), None);
    }

    #[test]
    fn memory_is_found_among_other_lines() {
        assert_eq!(resident("VmHWM:\t  9000 kB\nVmRSS:\t    8000 kB\nThreads:\t4\n"), Some(8000 << 10));
        assert_eq!(resident("VmHWM:\t9000 kB"), None);
    }
}
