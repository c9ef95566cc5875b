//! A film or an event, from the manifest to its last sample: the engine's commands carried out.

mod buffer;
mod event;
mod film;
mod outlet;
mod track;

use std::pin::Pin;
use std::time::Duration;

use nccp::{Downloadable, Manifest, MediaType, MovieId, RequestMessage, ResponseMessage, Scheme};
use playback::{DynamicRange, Fit};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::control::{Ask, Control};
use crate::sink::Chosen;
use crate::wish::{Wish, stopped};
use crate::{Error, Reason, Screen};
use film::{Answer, Film};
use outlet::Progress;

/// Time between looks at the clock.
const TICK: Duration = Duration::from_millis(100);
/// The same where time passes faster.
const FAST_TICK: Duration = Duration::from_millis(10);
/// How long the last report to the controller may take.
const LAST_REPORT: Duration = Duration::from_secs(10);
/// How much longer than the manifest a title may take.
const TITLE: Duration = Duration::from_secs(1);
/// Arrivals that wait to be looked at.
const ARRIVALS: usize = 64;

/// How a film ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FilmEnd {
    pub(crate) reason: Reason,
    /// The whole box is to stop.
    pub(crate) stop: bool,
}

/// What a box decodes: the codecs of pictures, by the beginnings of their names (RFC 6381), with the dynamic
/// ranges that it shows. The stream that players are given carries H.264 alone.
static DECODERS: [(&str, &[DynamicRange]); 1] = [("avc1.", &[DynamicRange::Sdr])];

/// Whether a box plays files of this type: one of [`DECODERS`], and AAC, in MP4.
fn is_supported(mime: &str) -> bool {
    let (container, codecs) = mime.split_once(';').unwrap_or((mime, ""));
    let has = |codec: &str| codecs.contains(&format!("\"{codec}"));
    match container {
        "video/mp4" => DECODERS.iter().any(|(codec, _)| has(codec)),
        "audio/mp4" => has("mp4a.40."),
        _ => false,
    }
}

/// How well a box plays pictures.
fn fit(file: &Downloadable) -> Fit {
    fit_of(&file.codecs, DynamicRange::of(file))
}

fn fit_of(codecs: &str, range: DynamicRange) -> Fit {
    let of_codec = || DECODERS.iter().filter(|(codec, _)| codecs.starts_with(*codec));
    if of_codec().any(|(_, ranges)| ranges.contains(&range)) {
        Fit::Well
    } else if of_codec().next().is_some() {
        Fit::Poorly
    } else {
        Fit::Not
    }
}

fn is_protected(manifest: &Manifest) -> bool {
    manifest.downloadables.iter().any(|downloadable| downloadable.scheme != Scheme::None)
}

/// Plays a film to its end, or until somebody wants something else. The session's keys are wiped when it
/// ends. Its title is asked for where it is not known. A license is not asked for where one is `embedded` in
/// the manifest. What the operator's receiver is told last is `leaving` when this returns: nobody waits for
/// it.
///
/// # Errors
/// What ended the film before its end.
pub(crate) async fn play(
    control: &Control,
    client: &reqwest::Client,
    screen: &mut dyn Screen,
    (movie_id, title, embedded): (MovieId, Option<String>, bool),
    chosen: &Chosen,
    wishes: &mut mpsc::Receiver<Wish>,
    leaving: &mut JoinSet<()>,
) -> Result<FilmEnd, Error> {
    let session = control.shared.drm().create();
    let begun = tokio::time::Instant::now();
    let others = [
        RequestMessage::UserMovieMetadata { movie_id },
        RequestMessage::MovieMetadata { movie_id },
        RequestMessage::Authorization { movie_id },
    ];
    let (license, [user, metadata, manifest]) = if embedded {
        (None, control.ask_all(others.map(Ask::Message)).map(boxed))
    } else {
        let [user, metadata, manifest] = others.map(Ask::Message);
        let license = Ask::License { session, movie: movie_id, metadata: Vec::new() };
        let [license, user, metadata, manifest] = control.ask_all([license, user, metadata, manifest]);
        (Some(license), [boxed(user), boxed(metadata), boxed(manifest)])
    };
    // The manifest has the resume point, too; this one is asked for as a browser does, and says nothing more
    // here.
    drop(user);
    let (arrived, mut arrivals) = mpsc::channel(ARRIVALS);
    let (answer, mut answers) = mpsc::channel(ARRIVALS);
    let licensed = answer.clone();
    if let Some(license) = license {
        tokio::spawn(async move {
            let _ = licensed.send(Answer::license(license.await)).await;
        });
    }
    let opened = async {
        let manifest = match manifest.await? {
            ResponseMessage::Authorization(manifest) => *manifest,
            _ => return Err(Error::Protocol),
        };
        let title = match title {
            Some(title) => title,
            // A film can be seen without.
            None => match tokio::time::timeout(TITLE, metadata).await {
                Ok(Ok(ResponseMessage::MovieMetadata { metadata, .. })) => metadata.title,
                _ => String::new(),
            },
        };
        match manifest.live {
            None => Ok((manifest, None, title)),
            Some(_) => {
                let (manifest, event) = event::complete(client, &manifest, chosen.takes_parts()).await?;
                Ok((manifest, Some(event), title))
            }
        }
    };
    let opened = tokio::select! {
        opened = opened => opened,
        () = stopped(wishes) => {
            control.shared.drm().close(session);
            return Ok(FilmEnd { reason: Reason::Stopped, stop: true });
        }
    };
    let film = opened.and_then(|(manifest, event, title)| {
        let channels = (arrived, answer);
        let of = (manifest, event);
        Film::open(control, client, screen, (movie_id, title), (session, begun), of, chosen, channels)
    });
    let result = match film {
        Ok(mut film) => match if embedded { film.open_embedded() } else { Ok(()) } {
            Ok(()) => run(&mut film, (&mut arrivals, &mut answers), chosen, wishes, leaving).await,
            Err(error) => {
                let ended = Err(error);
                film.tell_end(&ended);
                leaving.spawn(film.send_reports());
                ended
            }
        },
        Err(error) => Err(error),
    };
    control.shared.drm().close(session);
    result
}

type Answered = Pin<Box<dyn Future<Output = Result<ResponseMessage, Error>> + Send>>;

fn boxed(answer: impl Future<Output = Result<ResponseMessage, Error>> + Send + 'static) -> Answered {
    Box::pin(answer)
}

async fn run(
    film: &mut Film<'_>,
    (arrivals, answers): (&mut mpsc::Receiver<crate::fetcher::Arrival>, &mut mpsc::Receiver<Answer>),
    chosen: &Chosen,
    wishes: &mut mpsc::Receiver<Wish>,
    leaving: &mut JoinSet<()>,
) -> Result<FilmEnd, Error> {
    let mut ticks = interval(if chosen.speed() > 4.0 { FAST_TICK } else { TICK });
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut wishing = true;
    let ended = loop {
        let step = tokio::select! {
            _ = ticks.tick() => film.tick(),
            Some(arrival) = arrivals.recv() => film.arrived(arrival).map(|()| Progress::On),
            Some(answer) = answers.recv() => film.answered(answer).map(|()| Progress::On),
            wish = wishes.recv(), if wishing => match wish {
                Some(Wish::Pause) => { film.toggle_pause(); Ok(Progress::On) }
                Some(Wish::Next) => break Ok(FilmEnd { reason: Reason::Stopped, stop: false }),
                Some(Wish::Stop) => break Ok(FilmEnd { reason: Reason::Stopped, stop: true }),
                None => { wishing = false; Ok(Progress::On) }
            },
        };
        match step {
            Ok(Progress::On) => {}
            Ok(Progress::Over) => break Ok(FilmEnd { reason: Reason::Finished, stop: false }),
            Ok(Progress::Closed) => break Ok(FilmEnd { reason: Reason::Stopped, stop: false }),
            Err(error) => break Err(error),
        }
    };
    let reason = ended.as_ref().map_or(Reason::Failed, |ended| ended.reason);
    film.tell_end(&ended);
    leaving.spawn(film.send_reports());
    let deliver = film.last_report(reason);
    // The answers' channel must not fill up meanwhile.
    let last = async {
        tokio::pin!(deliver);
        loop {
            tokio::select! {
                logged = &mut deliver => return logged,
                Some(_) = answers.recv() => {}
            }
        }
    };
    let logged = tokio::time::timeout(LAST_REPORT, last).await.unwrap_or(false);
    film.close(reason, logged);
    ended
}

/// Picture size of a manifest's file, in lines.
fn height(manifest: &Manifest, id: &str) -> Option<u32> {
    let of_video = manifest.downloadables.iter().filter(|file| file.media_type == MediaType::Video);
    of_video.filter(|file| file.id == id).find_map(|file| Some(file.resolution?.height))
}

#[cfg(test)]
mod tests {
    use super::{DynamicRange, Fit, fit_of, is_supported};

    #[test]
    fn a_box_plays_avc_and_aac() {
        assert!(is_supported("video/mp4; codecs=\"avc1.64001F\""));
        assert!(is_supported("audio/mp4; codecs=\"mp4a.40.2\""));
        for other in ["video/mp4; codecs=\"hvc1.1.6.L93.B0\"", "audio/webm; codecs=\"opus\"", "video/mp4", ""]
        {
            assert!(!is_supported(other), "{other}");
        }
        for (codecs, range, fit) in [
            ("avc1.64001F", DynamicRange::Sdr, Fit::Well),
            ("avc1.6E001F", DynamicRange::Pq, Fit::Poorly),
            ("hvc1.2.4.L120.B0", DynamicRange::Pq, Fit::Not),
        ] {
            assert_eq!(fit_of(codecs, range), fit, "{codecs}");
        }
    }
}
