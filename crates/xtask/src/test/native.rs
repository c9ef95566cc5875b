//! Tests on this machine.

use super::Rounds;
use super::again::Run;
use crate::command::cargo;
use crate::error::Error;
use crate::project::Project;
use crate::tools;

/// Names the file `DASH-MPD.xsd` of ISO/IEC 23009-1, whose tests are in `manifest` and `live`.
const SCHEMA: &str = "MATINEE_DASH_SCHEMA";

/// Tests of all crates but the end-to-end ones: those are a target that runs only when it is named, so that
/// one choice of features serves both and nothing is compiled twice.
///
/// Gives what was not run, and why: tests that need a program which cannot be had here pass without it.
///
/// # Errors
/// When one fails, alone, too.
pub(crate) fn native(project: &Project, rounds: Rounds, rest: &[String]) -> Result<Vec<String>, Error> {
    let mut not_run = Vec::new();
    let mut places = Vec::new();
    for (what, variable, found) in [
        ("comparisons with Shaka Packager", "SHAKA_PACKAGER", tools::shaka_packager(project)),
        ("tests with SeaweedFS, a store of S3", "WEED", tools::seaweedfs(project)),
        ("tests with moto, a store of S3", "MOTO", tools::moto(project)),
        ("tests of Enhanced RTMP", "MATINEE_FFMPEG", tools::recent_ffmpeg(project)),
        ("mp4box.js, and films of npm packages", "MATINEE_PLAYERS", tools::players(project)),
    ] {
        match found {
            Ok(place) => places.push((variable, place)),
            // The one that the environment names, which is passed on.
            Err(_) if std::env::var_os(variable).is_some() => {}
            Err(error) => {
                println!("{what}: not run, for {error}");
                not_run.push(format!("{what} ({error})"));
            }
        }
    }
    match (std::env::var_os(SCHEMA), rounds) {
        (Some(schema), _) => match tools::xmlschema(project) {
            Ok(place) => {
                places.push(("XMLSCHEMA", place));
                // Tests run in their crates' folders.
                places.extend(std::path::absolute(schema).map(|schema| (SCHEMA, schema)));
            }
            Err(error) => not_run.push(format!("MPDs against the schema ({error})")),
        },
        (None, Rounds::Soak { .. }) => not_run.push(format!("MPDs against the schema ({SCHEMA} names none)")),
        // It may not be copied into a repository, and no registry of packages has it.
        (None, Rounds::Once) => {}
    }
    if let Err(error) = tools::nginx_rtmp(project) {
        println!("nginx-rtmp as a relay: not run, for {error}");
        not_run.push(format!("nginx-rtmp as a relay ({error})"));
    }
    let threads = 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let run = |turn: &[&str]| {
        let mut test = cargo(project);
        test.args(["test", "--locked", "--workspace", "--no-fail-fast", "--"])
            .args(turn)
            .envs(places.clone());
        // Many wait: for each other, or for what happens when it happens.
        if std::env::var_os("RUST_TEST_THREADS").is_none() {
            test.env("RUST_TEST_THREADS", threads.to_string());
        }
        rounds.apply(&mut test);
        Run::of(&mut test)
    };
    if rest.is_empty() {
        run(&[]).tried_again(|name| run(&["--include-ignored", "--exact", name]))?;
    } else {
        run(&rest.iter().map(String::as_str).collect::<Vec<_>>()).of_first_try()?;
    }
    Ok(not_run)
}
