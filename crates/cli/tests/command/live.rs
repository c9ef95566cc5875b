//! `matinee live`.

use crate::site::Site;

/// What an operator does with an event, without a server.
#[test]
fn an_event_from_creation_to_its_end() {
    let site = Site::new();
    let created =
        site.json(&["live", "create", "lecture", "--app", "school", "--title", "Lecture 7", "--json"]);
    let key = created["key"].as_str().unwrap();
    assert_eq!((&created["app"], &created["event"]), (&"school".into(), &"lecture".into()));
    assert_eq!((key.len(), &created["urls"]["rtmp"]), (32, &serde_json::Value::Null));
    let url = created["urls"]["http"].as_str().unwrap();
    assert!(url.ends_with(&format!("/ingest/school/lecture/{key}")), "{url}");
    let movie = created["movie_id"].as_u64().unwrap();
    assert_eq!(site.json(&["movie", "list", "--json"])[0]["title"], "Lecture 7");
    assert!(
        site.fails(&["live", "create", "lecture", "--app", "school", "--title", "x"]).contains("already")
    );
    site.ok(&["live", "create", "second", "--title", "Another"]);
    let list = site.json(&["live", "list", "--json"]);
    assert_eq!((&list[0]["app"], &list[0]["state"]), (&"live".into(), &"waiting".into()));
    assert_eq!((&list[1]["app"], &list[1]["movie_id"]), (&"school".into(), &movie.into()));
    assert!(!format!("{list}").contains(key), "no key is listed");
    let show = site.json(&["live", "show", "lecture", "--app", "school", "--json"]);
    assert_eq!(
        (&show["encryption"]["scheme"], &show["encryption"]["from"]),
        (&"cenc".into(), &"server".into())
    );
    assert!(
        show["urls"]["hls"].as_str().unwrap().contains("/s/live/school/lecture/master.m3u8?p="),
        "{show}"
    );
    // Where there is a listener for RTMP, encoders are told of it.
    std::fs::write(site.path("matinee.toml"), "[live]\nrtmp = \"0.0.0.0:1940\"\n").unwrap();
    let said = site.ok(&["live", "key", "lecture", "--app", "school"]);
    assert!(said.contains("server rtmp://localhost:1940/school, stream key lecture?key="), "{said}");
    let renewed = site.json(&["live", "key", "lecture", "--app", "school", "--json"]);
    assert!(renewed["key"] != created["key"] && renewed["movie_id"] == movie);
    let key = renewed["key"].as_str().unwrap();
    assert_eq!(renewed["urls"]["rtmp"], format!("rtmp://localhost:1940/school/lecture?key={key}"));
    // And of one of their own for HTTP.
    std::fs::write(site.path("matinee.toml"), "[live]\nhttp = \"0.0.0.0:8081\"\n").unwrap();
    let renewed = site.json(&["live", "key", "lecture", "--app", "school", "--json"]);
    let key = renewed["key"].as_str().unwrap();
    assert_eq!(renewed["urls"]["http"], format!("http://localhost:8081/ingest/school/lecture/{key}"));
    let ended = site.ok(&["live", "end", "lecture", "--app", "school"]);
    assert!(ended.contains("nothing of it was sent"), "{ended}");
    assert_eq!(site.json(&["live", "list", "--json"])[1]["state"], "ended");
    assert!(site.fails(&["live", "show", "third"]).contains("no event third"));
    // Without a title it is called as it is named.
    site.ok(&["live", "create", "fourth"]);
    let list = site.json(&["live", "list", "--json"]);
    let titles: Vec<_> =
        list.as_array().unwrap().iter().map(|event| event["title"].as_str().unwrap()).collect();
    assert!(titles.contains(&"fourth"), "{titles:?}");
    let wrong = site.run(&["live", "create", "a/b", "--title", "x"]);
    assert_eq!(wrong.status.code(), Some(2));
}

/// Where no ladder can be made that is said at once: who asks for one is refused, and an event that has one
/// by its application's settings goes without it.
#[test]
fn a_ladder_without_ffmpeg_is_said_at_once() {
    let site = Site::new();
    std::fs::write(site.path("matinee.toml"), "[live]\nffmpeg = \"/nowhere/ffmpeg\"\n").unwrap();
    let refused = site.fails(&["live", "create", "lecture", "--app", "school", "--ladder", "720,480"]);
    assert!(refused.contains("--ladder") && refused.contains("/nowhere/ffmpeg"), "{refused}");
    for wrong in ["720p", "", "720;480", "9999"] {
        assert_eq!(
            site.run(&["live", "create", "lecture", "--ladder", wrong]).status.code(),
            Some(2),
            "{wrong}"
        );
    }
    // Nothing was made; one without a ladder is.
    let created = site.json(&["live", "create", "lecture", "--app", "school", "--json"]);
    assert_eq!(created["ladder"], serde_json::json!([]));
    std::fs::write(site.path("data/live/school/application.toml"), "ladder = [480, 720]\n").unwrap();
    let output = site.run(&["live", "create", "second", "--app", "school", "--json"]);
    let warning = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && warning.contains("without its ladder"), "{warning}");
    let created: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(created["ladder"], serde_json::json!([720, 480]));
    let show = site.json(&["live", "show", "second", "--app", "school", "--json"]);
    assert_eq!(
        (&show["ladder"]["wanted"], &show["ladder"]["made"]),
        (&serde_json::json!([720, 480]), &serde_json::Value::Null)
    );
    assert!(show["ladder"]["cannot"].as_str().unwrap().contains("/nowhere/ffmpeg"), "{show}");
    let said = site.ok(&["live", "show", "second", "--app", "school"]);
    assert!(said.contains("ladder of 720p, 480p: not made, there is no program /nowhere/ffmpeg"), "{said}");
}

/// A film that could not be made is said wherever an event is, and is no reason to end it again: a server
/// does that, or the same command.
#[test]
fn a_film_that_could_not_be_made_is_said() {
    let site = Site::new();
    site.ok(&["live", "create", "lecture", "--app", "school"]);
    let event = site.path("data/live/school/lecture");
    let stand = |session: &str| {
        let text = format!("{{\"state\": \"interrupted\", \"since\": 1790000000{session}}}");
        std::fs::write(event.join("state.json"), text).unwrap();
    };
    // A session of which nothing is there.
    stand(", \"session\": \"0123456789abcdef0123456789abcdef\"");
    let end = ["live", "end", "lecture", "--app", "school"];
    let said = site.fails(&end);
    assert!(
        said.contains("the event has ended, but its film could not be made yet")
            && said.contains("record.json"),
        "{said}"
    );
    assert!(site.fails(&end).contains("tried 2 times"));
    let list = site.json(&["live", "list", "--json"]);
    let film = &list[0]["film"];
    assert!(film["attempts"] == 2 && film["next"].as_u64() > film["since"].as_u64(), "{list}");
    assert!(site.ok(&["live", "list"]).contains("ended, film delayed"));
    let show = site.ok(&["live", "show", "lecture", "--app", "school"]);
    assert!(show.contains("ended, film delayed since") && show.contains("tried 2 times since"), "{show}");
    // A file that cannot be read is no reason to list nothing, nor to make no film.
    std::fs::write(event.join("film.json"), "{").unwrap();
    let list = site.json(&["live", "list", "--json"]);
    assert!(
        list[0]["film"].is_null() && list[0]["film_error"].as_str().unwrap().contains("film.json"),
        "{list}"
    );
    assert!(site.ok(&["live", "list"]).contains("ended, film not made yet ("));
    stand("");
    assert!(site.ok(&end).contains("nothing of it was sent"));
    let list = site.json(&["live", "list", "--json"]);
    assert_eq!((&list[0]["state"], &list[0]["film"]), (&"ended".into(), &serde_json::Value::Null));
}
