//! OBS Studio, told what docs/live.md says, publishes by RTMP. It runs in `cargo xtask soak`, which installs
//! OBS and a screen that nobody sees.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use e2e::{Browser, Server, free_port, is_soak, repository};
use serde_json::{Value, json};

use crate::live::{create, frames, time, until};

/// A program, ended whatever happens.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A screen, and its name; `None` where there is no Xvfb.
fn screen() -> Option<(Running, String)> {
    let mut xvfb = Command::new("Xvfb");
    // It takes a number that is free, and says which.
    xvfb.args(["-displayfd", "1", "-screen", "0", "800x600x24", "-nolisten", "tcp"]);
    let child = xvfb.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut screen = Running(child);
    let mut number = String::new();
    BufReader::new(screen.0.stdout.take()?).read_line(&mut number).ok()?;
    Some((screen, format!(":{}", number.trim())))
}

/// What OBS is told: where to send, how, and what: the demo film, over and over.
fn configure(home: &Path, server: &str, key: &str) {
    let config = home.join(".config/obs-studio");
    let (profile, scenes) = (config.join("basic/profiles/Matinee"), config.join("basic/scenes"));
    for folder in [&profile, &scenes] {
        std::fs::create_dir_all(folder).unwrap();
    }
    let global = "[General]\nFirstRun=true\nEnableAutoUpdates=false\n\
                  [Basic]\nProfile=Matinee\nProfileDir=Matinee\nSceneCollection=Matinee\nSceneCollectionFile=Matinee\n";
    std::fs::write(config.join("global.ini"), global).unwrap();
    let basic = "[General]\nName=Matinee\n\
                 [Output]\nMode=Simple\nReconnect=true\nRetryDelay=2\nMaxRetries=100\n\
                 [SimpleOutput]\nVBitrate=600\nABitrate=96\nStreamEncoder=x264\nUseAdvanced=true\nPreset=ultrafast\n\
                 x264Settings=keyint=48 min-keyint=48 scenecut=0 threads=1\n\
                 [Video]\nBaseCX=640\nBaseCY=360\nOutputCX=640\nOutputCY=360\nFPSType=0\nFPSCommon=24 NTSC\n\
                 [Audio]\nSampleRate=48000\nChannelSetup=Stereo\n";
    std::fs::write(profile.join("basic.ini"), basic).unwrap();
    let service = json!({
        "type": "rtmp_custom",
        "settings": {"server": server, "key": key, "use_auth": false},
    });
    std::fs::write(profile.join("service.json"), service.to_string()).unwrap();
    let film = repository().join("media/demo/360p.mp4");
    let scene = json!({
        "name": "Matinee",
        "current_scene": "Scene",
        "current_program_scene": "Scene",
        "scene_order": [{"name": "Scene"}],
        "sources": [
            {"id": "ffmpeg_source", "versioned_id": "ffmpeg_source", "name": "Film", "settings":
                {"is_local_file": true, "local_file": film, "looping": true, "hw_decode": false}},
            {"id": "scene", "versioned_id": "scene", "name": "Scene", "settings":
                {"id_counter": 1, "custom_size": false,
                 "items": [{"name": "Film", "id": 1, "visible": true, "align": 5}]}},
        ],
    });
    std::fs::write(scenes.join("Matinee.json"), scene.to_string()).unwrap();
}

/// Starts OBS; it publishes at once.
fn publish(home: &Path, screen: &str) -> Option<Running> {
    let mut obs = Command::new("obs");
    obs.args(["--startstreaming", "--minimize-to-tray", "--multi"]);
    // One that was killed is asked about otherwise, from version 30 on.
    obs.arg("--disable-shutdown-check");
    obs.args(["--profile", "Matinee", "--collection", "Matinee"]);
    obs.env("HOME", home).env("XDG_CONFIG_HOME", home.join(".config"));
    obs.env("DISPLAY", screen).env("QT_QPA_PLATFORM", "xcb").env("LIBGL_ALWAYS_SOFTWARE", "1");
    obs.env_remove("WAYLAND_DISPLAY").env_remove("DBUS_SESSION_BUS_ADDRESS");
    let obs = obs.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    obs.ok().map(Running)
}

/// B80: what OBS publishes plays for twenty seconds; and the same page goes on when OBS was killed and comes
/// back.
#[tokio::test]
#[ignore = "needs the machine for itself"]
async fn b80_obs_publishes_and_comes_back() {
    if !is_soak() {
        println!("skipped: OBS takes much of a machine; `cargo xtask soak` runs it");
        return;
    }
    let Some((_screen, screen)) = screen() else {
        eprintln!("SKIPPED: Xvfb is not there");
        return;
    };
    let rtmp = free_port();
    let server = Server::start_public(&format!("[live]\nrtmp = \"127.0.0.1:{rtmp}\"\n")).await;
    let created = create(&server, "Lecture 9", &[]);
    let url = created["urls"]["rtmp"].as_str().unwrap();
    // The two settings, as `live create` prints them.
    let (address, key) = url.rsplit_once('/').unwrap();
    let home = tempfile::tempdir().unwrap();
    configure(home.path(), address, key);
    let browser = Browser::start().await;
    browser.sign_in(&server).await;
    browser.film("Lecture 9").await.send_keys("\u{E007}").await.unwrap();
    browser.says("This event has not begun yet.").await;

    let Some(obs) = publish(home.path(), &screen) else {
        eprintln!("SKIPPED: OBS is not there");
        return;
    };
    until(&browser, "what OBS publishes", "v.currentTime > 0 && !v.paused && v.readyState > 2").await;
    let _: bool = browser.eval("window.theSamePage = true; return true").await;
    let (began, shown) = (time(&browser).await, frames(&browser).await);
    until(&browser, "twenty seconds of it", &format!("v.currentTime > {began} + 20")).await;
    let count = frames(&browser).await - shown;
    assert!(count > 20 * 12, "{count} pictures in twenty seconds");

    // SIGKILL.
    drop(obs);
    browser.says("interrupted").await;
    let stopped = time(&browser).await;
    let Some(_obs) = publish(home.path(), &screen) else { panic!("OBS was there before") };
    until(&browser, "it to go on", &format!("window.theSamePage && v.currentTime > {stopped} + 8")).await;
    let states: Value = serde_json::from_str(&server.run(&["live", "list", "--json"])).unwrap();
    assert!(states.to_string().contains("\"live\""), "{states}");
    browser.quit().await;
}
