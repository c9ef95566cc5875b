//! Servers that encoders publish to, and how much they have made of it.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::publisher::Door;
use super::{Contender, SEGMENT};
use crate::bench::delivery::{self, Server, free_address};
use crate::command::{self, on_path};
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Of all events here, and of nginx.
const APP: &str = "bench";
/// Connections at a time that nothing here comes near to.
const ROOM: usize = 4096;

/// What all servers have in common.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) project: &'a Project,
    /// Ours, as it ships.
    pub(super) binary: &'a Path,
    /// In the target.
    pub(super) folder: &'a Path,
    /// As `taskset` takes them.
    pub(super) cores: &'a str,
}

/// A running server, with a place for each publisher.
pub(super) struct Stand {
    pub(super) server: Server,
    pub(super) doors: Vec<Door>,
    output: Output,
}

/// Where a server writes.
enum Output {
    /// A folder for each event.
    Ours(PathBuf),
    /// A playlist for each stream.
    Nginx(PathBuf),
}

impl Stand {
    /// Starts a server with nothing on its disk. `seconds`: how long it is published to.
    ///
    /// # Errors
    /// Of the tools and of the server.
    pub(super) fn start(
        place: &Place<'_>,
        contender: Contender,
        publishers: usize,
        seconds: u64,
    ) -> Result<Self, Error> {
        match contender {
            Contender::OursByHttp | Contender::OursByRtmp => Self::ours(place, contender, publishers),
            Contender::NginxRtmp => Self::nginx(place, publishers, seconds),
        }
    }

    fn ours(place: &Place<'_>, contender: Contender, publishers: usize) -> Result<Self, Error> {
        let (data, config) = (place.folder.join("data"), place.folder.join("matinee.toml"));
        crate::bench::fresh(&data)?;
        let mine = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(&data, mine).map_err(Error::file(&data))?;
        let (address, rtmp) = (free_address()?, free_address()?);
        let text = format!(
            "public_url = \"http://localhost:{port}\"\nlisten = \"{address}\"\ndata = {data:?}\n\
             [live]\nrtmp = \"{rtmp}\"\n[limits]\nconnections_per_address = {ROOM}\n",
            port = address.port(),
            data = data.display().to_string(),
        );
        std::fs::write(&config, text).map_err(Error::file(&config))?;
        let mut doors = Vec::new();
        for n in 0..publishers {
            let mut create = command::command(place.project, place.binary);
            create.arg("--config").arg(&config);
            create.args(["live", "create", &event(n), "--app", APP, "--json"]);
            let said = command::output(&mut create)?;
            let key = key(&said).ok_or_else(|| Error::Rule(format!("`matinee live create` said: {said}")))?;
            doors.push(match contender {
                Contender::OursByHttp => {
                    Door::Http { address, path: format!("/ingest/{APP}/{}/{key}/live.mp4", event(n)) }
                }
                _ => Door::Rtmp { address: rtmp, app: APP, name: format!("{}?key={key}", event(n)) },
            });
        }
        let server = delivery::matinee(place.project, place.binary, &config, (address, place.cores))?;
        Ok(Self { server, doors, output: Output::Ours(data.join("live").join(APP)) })
    }

    fn nginx(place: &Place<'_>, publishers: usize, seconds: u64) -> Result<Self, Error> {
        let module = tools::nginx_rtmp(place.project)?;
        let folder = place.folder.join("nginx");
        let hls = folder.join("hls");
        crate::bench::fresh(&hls)?;
        let (ready, rtmp) = (free_address()?, free_address()?);
        let file = folder.join("nginx.conf");
        let text = configuration(&folder, &module, (ready, rtmp), seconds);
        std::fs::write(&file, text).map_err(Error::file(&file))?;
        let program = on_path("nginx").unwrap_or_else(|| PathBuf::from("/usr/sbin/nginx"));
        let mut nginx: Command = command::command(place.project, "taskset");
        nginx.args(["-c", place.cores]).arg(program).args(["-e", "stderr", "-p"]).arg(&folder);
        nginx.arg("-c").arg(&file).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Server::start(&mut nginx, ready, "/")?;
        let door = |n| Door::Rtmp { address: rtmp, app: APP, name: event(n) };
        Ok(Self { server, doors: (0..publishers).map(door).collect(), output: Output::Nginx(hls) })
    }

    /// Seconds of a publisher's stream that are in whole segments on the disk.
    pub(super) fn published(&self, publisher: usize) -> f64 {
        match &self.output {
            Output::Ours(events) => segments(&events.join(event(publisher))) as f64 * SEGMENT,
            Output::Nginx(hls) => {
                let playlist = hls.join(event(publisher)).with_extension("m3u8");
                listed(&std::fs::read_to_string(playlist).unwrap_or_default())
            }
        }
    }
}

fn event(publisher: usize) -> String {
    format!("e{publisher}")
}

/// The stream key in what `matinee live create --json` says.
fn key(said: &str) -> Option<String> {
    let created: serde_json::Value = serde_json::from_str(said).ok()?;
    created.get("key")?.as_str().map(str::to_owned)
}

/// nginx with the module for RTMP: what is published is written as HLS, in the clear, as long as it is
/// published.
fn configuration(
    folder: &Path,
    module: &Path,
    (ready, rtmp): (SocketAddr, SocketAddr),
    seconds: u64,
) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let mut text = format!("load_module {};\n", module.display());
    // As root its workers would be somebody else, who may not write here.
    if rustix::process::geteuid().is_root() {
        text.push_str("user root;\n");
    }
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {};\n", at(what)))
        .concat();
    // Writing into a text cannot fail.
    let _ = write!(
        text,
        "daemon off;\nworker_processes 2;\npid {pid};\nerror_log {log};\nevents {{ worker_connections {ROOM}; }}\n\
         rtmp {{\naccess_log off;\nserver {{\nlisten {rtmp};\nchunk_size 4096;\napplication {APP} {{\nlive on;\nhls on;\n\
         hls_path {hls};\nhls_fragment {SEGMENT}s;\nhls_playlist_length {seconds}s;\nhls_cleanup off;\n}}\n}}\n}}\n\
         http {{\n{temporary}access_log off;\nserver {{ listen {ready}; return 204; }}\n}}\n",
        pid = at("nginx.pid"),
        log = at("error.log"),
        hls = at("hls"),
    );
    text
}

/// Whole segments of pictures below an event's folder: `{session}/v{…}/segments.jsonl`, a line each.
fn segments(event: &Path) -> usize {
    let below = |folder: &Path| -> Vec<PathBuf> {
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let is_video = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with('v'))
    };
    let representations = below(event).into_iter().flat_map(|session| below(&session)).filter(is_video);
    representations
        .map(|folder| std::fs::read_to_string(folder.join("segments.jsonl")).unwrap_or_default())
        .map(|text| text.lines().filter(|line| line.ends_with('}')).count())
        .sum()
}

/// Seconds of all segments in a media playlist of HLS.
fn listed(playlist: &str) -> f64 {
    let durations = playlist.lines().filter_map(|line| line.strip_prefix("#EXTINF:")?.split(',').next());
    durations.filter_map(|text| text.parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_is_read_from_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let video = folder.path().join("5e55/v360-1");
        let audio = folder.path().join("5e55/a-und-1");
        for representation in [&video, &audio] {
            std::fs::create_dir_all(representation).unwrap();
            // The last line is being written.
            std::fs::write(representation.join("segments.jsonl"), "\n{\"n\":0}\n\n{\"n\":1}\n\n{\"n\":2")
                .unwrap();
        }
        assert_eq!(segments(folder.path()), 2);
        assert_eq!(segments(&folder.path().join("no")), 0);
        assert_eq!(listed("#EXTM3U\n#EXTINF:2.000,\ne0-0.ts\n#EXTINF:1.5,\ne0-1.ts\n"), 3.5);
        assert_eq!(listed(""), 0.0);
    }

    #[test]
    fn the_key_is_in_what_is_said() {
        assert_eq!(key("{\"event\": \"e0\", \"key\": \"5f0c\"}").as_deref(), Some("5f0c"));
        assert_eq!(key("no"), None);
    }
}
