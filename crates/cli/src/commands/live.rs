//! `matinee live`.

use super::{block_on, data_is_there, now, open};
use crate::args::{EventName, Live};
use crate::{Failure, output};
use live::Rotate;
use nccp::EventState;
use serde_json::{Value, json};
use server::live::{
    self as events, Created, Event, Events, FilmDelay, LadderStanding, LadderState, NewEvent, Standing,
};
use server::policy::{self, Policies};
use server::{Config, library, live_url, media_url};
use std::time::{Duration, SystemTime};

/// How long `end` waits for the server that has the event.
const PATIENCE: u32 = 60;
/// Seconds for which the addresses that `show` tells can be used.
const URL_LIFE: u64 = 86_400;

pub(crate) fn run(config: &Config, command: Live) -> Result<(), Failure> {
    match &command {
        Live::Create { .. } => server::open_data(&config.data)?,
        _ => data_is_there(config)?,
    }
    let events = Events::new(&config.data);
    match command {
        Live::Create { name, title, movie, policy, license, plans, starts, ladder, json } => {
            let policies = Policies::load(config)?;
            let EventName { app, event: name } = name;
            let (settings, _) = events.settings(&app, &name)?;
            let ladder = ladder.map_or_else(Vec::new, |heights| heights.0);
            if let Some(why) = cannot_make(config, !ladder.is_empty() || !settings.ladder.is_empty()) {
                match ladder.is_empty() {
                    true => eprintln!("matinee: warning: the event goes without its ladder: {why}"),
                    false => return Err(Failure::Command(format!("--ladder: {why}"))),
                }
            }
            let named = policy.or(settings.encryption.policy);
            let named = named.as_deref().unwrap_or(policy::DEFAULT);
            policies.check(named)?;
            policy::check_mode(&policies, &config.drm, named, license)?;
            if license.domain().is_some() {
                server::keys::open(&config.keys(), &config.public_url, &[], now())?;
                server::keys::make_domains(&config.keys(), now(), usize::MAX)?;
            }
            let movie = movie.map(nccp::MovieId::get);
            let title = title.unwrap_or_else(|| name.to_string());
            let policy = Some(named.to_owned());
            let starts =
                starts.and_then(|time| Some(time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs()));
            let new = NewEvent { app, name, title, movie, policy, plans, license, starts, ladder };
            let created = block_on(async {
                let store = open(config).await?;
                let created = events::create(&*store, &events, new, now()).await?;
                store.close().await;
                Ok(created)
            })?;
            tell(config, &events, &created, json.json)
        }
        Live::List(json) => {
            let mut listed = Vec::new();
            for (event, state) in events::list(&events)? {
                let delay = events.film_delay(&event);
                listed.push((event, state, delay));
            }
            if json.json {
                let all = listed.iter().map(|(event, state, delay)| to_json(event, state, delay));
                return output::json(&all.collect::<Vec<_>>());
            }
            let row = |(event, state, delay): &(Event, Standing, Delay)| {
                let known = &event.known;
                vec![
                    event.app.to_string(),
                    event.name.to_string(),
                    known.movie_id.to_string(),
                    word_of(event, state, delay),
                    output::time(state.since),
                    known.title.clone(),
                ]
            };
            let rows: Vec<_> = listed.iter().map(row).collect();
            output::table(&["APP", "EVENT", "MOVIE", "STATE", "SINCE", "TITLE"], &rows)
        }
        Live::Show { name, json } => {
            let event = events::find(&events, &name.app, &name.event)?;
            show(config, &events, &event, json.json)
        }
        Live::Key { name, json } => {
            tell(config, &events, &events::new_key(&events, &name.app, &name.event)?, json.json)
        }
        Live::End { name, json } => {
            let event = events::end(&events, &name.app, &name.event, now())?;
            let state = finish(config, &events, &event)?;
            if json.json {
                return output::json(&to_json(&event, &state, &Ok(None)));
            }
            output::line(&match &state.pack {
                Some(pack) => format!("Ended {}: it is a film now, pack {pack}", event.name),
                None => format!("Ended {}: nothing of it was sent", event.name),
            })
        }
    }
}

/// Why an event's film is not there yet, as its file says.
type Delay = Result<Option<FilmDelay>, server::Error>;

/// Where an event stands, for people: one that is over is no film before that is there.
fn word_of(event: &Event, state: &Standing, delay: &Delay) -> String {
    let word = match (event.known.ended, delay) {
        (Some(_), _) if state.state == EventState::Ended => "ended",
        (Some(_), Ok(Some(_))) => "ended, film delayed",
        (Some(_), Ok(None)) => "ended, film not made yet",
        (Some(_), Err(error)) => return format!("ended, film not made yet ({error})"),
        (None, _) => state.state.as_str(),
    };
    word.to_owned()
}

/// Why a film is not there yet, for people.
fn said_of_film(delay: &FilmDelay) -> String {
    let times = if delay.attempts == 1 { "once".to_owned() } else { format!("{} times", delay.attempts) };
    format!(
        "its film could not be made yet: {} (tried {times} since {}; a server tries again at {}, or `matinee live end` now)",
        delay.reason,
        output::time(delay.since),
        output::time(delay.next)
    )
}

/// Why no ladder can be made on this machine, where one is wanted, as far as ffmpeg knows: whether an encoder
/// in hardware works the server finds out, as its own user.
fn cannot_make(config: &Config, is_wanted: bool) -> Option<String> {
    if !is_wanted {
        return None;
    }
    match config.live.ladders {
        0 => Some("matinee.toml has live.ladders = 0".to_owned()),
        _ => events::unlisted_encoder(&config.live.ffmpeg, config.live.means().encoder),
    }
}

/// `1080p, 720p`.
fn heights(heights: impl Iterator<Item = u32>) -> String {
    heights.map(|height| format!("{height}p")).collect::<Vec<_>>().join(", ")
}

/// The film is made by the server that has the event's session, or here.
fn finish(config: &Config, events: &Events, event: &Event) -> Result<Standing, Failure> {
    let ring = server::keys::open(&config.keys(), &config.public_url, &[], now())?;
    // One that cannot be read is written anew by the next attempt that fails.
    let delay = || events.film_delay(event).ok().flatten();
    let before = delay().map_or(0, |delay| delay.attempts);
    for _ in 0..PATIENCE {
        let made = block_on(async {
            let store = open(config).await?;
            let (library, staging) = (library::open(config)?, config.library());
            let made = events::publish(&*store, events, (&*library, &staging), &ring, event, now()).await;
            store.close().await;
            Ok(made)
        })?;
        let state = events.state(event)?;
        if state.state == EventState::Ended {
            return Ok(state);
        }
        // Whoever has tried, this process or the server.
        if let Some(delay) = delay().filter(|delay| delay.attempts > before) {
            return Err(Failure::Command(format!("the event has ended, but {}", said_of_film(&delay))));
        }
        made?;
        std::thread::sleep(Duration::from_secs(1));
    }
    Err(Failure::Command("the server that has the event is still busy with it; see its log".to_owned()))
}

/// A host without its port.
fn host(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Where encoders send it: with the key in the path, or without, for those that have a field for it.
fn tell(config: &Config, events: &Events, created: &Created, json: bool) -> Result<(), Failure> {
    let Created { event, key } = created;
    let (settings, _) = events.settings(&event.app, &event.name)?;
    let ladder = || settings.ladder.iter().map(|rung| rung.height);
    let host = host(config.public_host());
    let own = config.live.http_base(host, config.tls.is_some());
    let base = own.as_deref().unwrap_or(&config.public_url);
    let base = format!("{base}/ingest/{}/{}", event.app, event.name);
    let server = config.live.server(host, event.app.as_str());
    let rtmp = server.map(|server| (server, format!("{}?key={key}", event.name)));
    if json {
        return output::json(&json!({
            "app": event.app.as_str(), "event": event.name.as_str(), "key": key, "movie_id": event.known.movie_id,
            "ladder": ladder().collect::<Vec<_>>(),
            "urls": {
                "http": format!("{base}/{key}"),
                "rtmp": rtmp.map(|(server, stream)| format!("{server}/{stream}")),
            },
        }));
    }
    output::line(&format!(
        "Event {} of {}, movie {}: {}",
        event.name, event.app, event.known.movie_id, event.known.title
    ))?;
    output::line(&format!("Stream key  {key}"))?;
    output::line(&format!("HTTP        {base}/{key}/NAME, or {base}/NAME with the key as password"))?;
    if let Some((server, stream)) = rtmp {
        output::line(&format!("RTMP        server {server}, stream key {stream}"))?;
    }
    if !settings.ladder.is_empty() {
        let ladder = heights(ladder());
        output::line(&format!(
            "Ladder      {ladder}: made here of one rendition, as far as they are below it"
        ))?;
    }
    output::line("Whoever has the key can send. It is shown this once; `matinee live key` makes another.")
}

/// `film`: why there is none yet, where that could not be made; `film_error`: why that is not known.
fn to_json(event: &Event, state: &Standing, delay: &Delay) -> Value {
    let known = &event.known;
    let mut value = json!({"app": event.app.as_str(), "event": event.name.as_str(), "movie_id": known.movie_id,
        "title": known.title, "state": state.state, "since": state.since, "session": state.session,
        "pack": state.pack, "created": known.created, "starts": known.starts, "ended": known.ended,
        "film": delay.as_ref().ok()});
    if let Err(error) = delay {
        value["film_error"] = error.to_string().into();
    }
    value
}

fn show(config: &Config, events: &Events, event: &Event, json: bool) -> Result<(), Failure> {
    let (settings, set_by) = events.settings(&event.app, &event.name)?;
    let state = events.state(event)?;
    let ring = server::keys::open(&config.keys(), &config.public_url, &[], now())?;
    let expires = media_url::expiration(now(), URL_LIFE);
    let named = (event.app.as_str(), event.name.as_str());
    let play = |name| live_url::of(config, &ring, named, name, (expires, now()));
    let encryption = &settings.encryption;
    let rotate = match encryption.rotate {
        None => Value::Null,
        Some(Rotate::Segments(segments)) => segments.into(),
        Some(Rotate::Time(time)) => format!("{}s", time.as_secs_f64()).into(),
    };
    let delay = events.film_delay(event);
    let mut value = to_json(event, &state, &delay);
    value["encryption"] = json!({"from": set_by.to_string(), "enabled": encryption.enabled,
        "scheme": encryption.scheme.to_string(), "level": encryption.level.to_string(), "rotate": rotate,
        "content_id": encryption.content_id.as_ref().map(ToString::to_string), "policy": encryption.policy,
        "common_key": encryption.common_key, "players": encryption.players});
    value["window"] = settings.window.as_secs_f64().into();
    value["segment"] = settings.segment.as_secs_f64().into();
    value["part"] = settings.part.as_secs_f64().into();
    let wanted = || settings.ladder.iter().map(|rung| rung.height);
    let ladder = events.ladder(event)?;
    let is_running = ladder.as_ref().is_some_and(|ladder| ladder.state == LadderState::Running);
    let cannot =
        cannot_make(config, !settings.ladder.is_empty() && !is_running && state.state != EventState::Ended);
    value["ladder"] = json!({"wanted": wanted().collect::<Vec<_>>(), "made": &ladder, "cannot": &cannot});
    let urls = [("hls", "master.m3u8"), ("dash", "stream.mpd"), ("index", "index.json"), ("drm", "drm")];
    let urls = urls.map(|(form, name)| play(name).map(|url| (form, url)));
    let urls = urls.into_iter().collect::<Result<Vec<_>, _>>()?;
    value["urls"] = urls.iter().map(|(form, url)| ((*form).to_owned(), Value::from(url.as_str()))).collect();
    value["urls_expire"] = expires.into();
    if json {
        return output::json(&value);
    }
    output::line(&format!("{} of {}: {}", event.name, event.app, event.known.title))?;
    output::line(&format!(
        "movie {}, {} since {}",
        event.known.movie_id,
        word_of(event, &state, &delay),
        output::time(event.known.ended.unwrap_or(state.since))
    ))?;
    if let Ok(Some(delay)) = &delay {
        output::line(&said_of_film(delay))?;
    }
    let how = if encryption.enabled { encryption.scheme.to_string() } else { "clear".to_owned() };
    output::line(&format!(
        "{how}, by the settings of the {set_by}; window of {} s",
        settings.window.as_secs()
    ))?;
    if !settings.ladder.is_empty() {
        let said = said_of(ladder.as_ref(), cannot);
        output::line(&format!("ladder of {}: {said}", heights(wanted())))?;
    }
    for (form, url) in urls {
        output::line(&format!("{form:<6} {url}"))?;
    }
    Ok(())
}

/// How a ladder stands, for people.
fn said_of(ladder: Option<&LadderStanding>, cannot: Option<String>) -> String {
    if let Some(why) = cannot {
        return format!("not made, {why}");
    }
    let Some(ladder) = ladder else { return "begins with its encoder".to_owned() };
    let mut said = match ladder.state {
        LadderState::Running => {
            let made = ladder
                .steps
                .iter()
                .map(|step| format!("{}x{} at {} kbit/s", step.width, step.height, step.kbps));
            format!("{} since {}", made.collect::<Vec<_>>().join(", "), output::time(ladder.since))
        }
        state => state.as_str().to_owned(),
    };
    if let Some(reason) = &ladder.reason {
        said = format!("{said}, {reason}");
    }
    if !ladder.dropped.is_empty() {
        let dropped = heights(ladder.dropped.iter().map(|step| step.height));
        let again =
            ladder.again.map_or_else(String::new, |time| format!(", tried again at {}", output::time(time)));
        said = format!("{said}; not made for now, as this machine could not: {dropped}{again}");
    }
    if ladder.restarts > 0 {
        said = format!("{said}; started again {} times", ladder.restarts);
    }
    said
}
