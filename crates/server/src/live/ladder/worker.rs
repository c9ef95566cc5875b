//! Whoever sees to it that a session's ladder is made: starts ffmpeg with the first picture, starts it again
//! when it ends, makes less when it is too slow and more again after a while, and says how it stands.

use super::ffmpeg::{Process, lacks};
use super::rungs::Rungs;
use super::under_way::UnderWay;
use crate::Service;
use crate::live::ladder_handle::{Health, Message, Picture, REST};
use crate::live::ladder_standing::{LadderStanding, LadderState};
use crate::live::lock;
use crate::live::session::{Closed, Session};
use ::live::transcode::{Encoder, Feeder, Means, OF_SDR, Rendition, Renditions, arguments, most_held, steps};
use ::live::{Handle, Rung, Source};
use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// After how long without a picture ffmpeg is ended: others may have its turn.
const IDLE: Duration = Duration::from_secs(60);
/// How often it is looked at whether it keeps up.
const LOOK: Duration = Duration::from_secs(1);
/// Before it is started again: the first time, and at most.
const PAUSE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// One that ran at least this long had not failed.
const STEADY: Duration = Duration::from_secs(60);
/// After so many failures in a row fewer steps are tried: an encoder in hardware may take fewer at a time.
const FAILURES: u32 = 3;

/// Why nothing is made any more.
#[derive(Debug)]
enum Stop {
    /// The session is over.
    Over,
    /// Nothing is to be made. In words.
    Off(String),
}

/// How a run of ffmpeg ended.
#[derive(Debug)]
enum Ended {
    /// The encoder is silent.
    Idle,
    /// It was too far behind.
    Slow,
    /// It has made everything up to this picture, from which on a step more is tried.
    More(Picture),
    /// In words.
    Failed(String),
}

/// A rendition that is being made.
#[derive(Debug, Clone, Copy)]
struct Making {
    /// Its track in what ffmpeg writes.
    track: u32,
    handle: Handle,
}

/// Whoever makes a ladder.
#[derive(Debug)]
pub(super) struct Worker {
    // Whoever has these ends this; not the other way round.
    service: Weak<Service>,
    session: Weak<Session>,
    source: Source,
    wanted: Vec<Rung>,
    received: UnboundedReceiver<Message>,
    turns: Arc<Semaphore>,
    program: PathBuf,
    encoder: Encoder,
    device: Option<String>,
    threads: usize,
    behind: Duration,
    /// The event, for the log.
    name: String,
    health: Arc<Mutex<Health>>,
    rungs: Rungs,
    making: Vec<Making>,
    restarts: u32,
}

impl Worker {
    pub(super) fn new(
        service: &Arc<Service>,
        session: &Arc<Session>,
        (source, wanted): (Source, Vec<Rung>),
        received: UnboundedReceiver<Message>,
        health: Arc<Mutex<Health>>,
    ) -> Self {
        let live = &service.config.live;
        Self {
            service: Arc::downgrade(service),
            session: Arc::downgrade(session),
            source,
            wanted,
            received,
            turns: Arc::clone(&service.live.ladders),
            program: live.ffmpeg.clone(),
            encoder: live.ladder_encoder,
            device: live.ladder_device.clone(),
            threads: live.threads(),
            behind: live.behind(),
            name: session.event.name.to_string(),
            health,
            rungs: Rungs::new(live.again()),
            making: Vec::new(),
            restarts: 0,
        }
    }

    /// Until the session is over, or nothing can be made.
    pub(super) async fn run(mut self) {
        let Err(stop) = self.work().await;
        self.rungs.clear();
        match stop {
            // What was made is there until the end, and in the film; what is open ends with the session.
            Stop::Over => self.say(LadderState::Off, Health::Idle, None),
            Stop::Off(reason) => self.give_up(reason).await,
        }
    }

    async fn give_up(&mut self, reason: String) {
        self.leave().await;
        self.retire(None);
        tracing::warn!(event = self.name, reason, "no ladder is made");
        self.say(LadderState::Off, Health::Idle, Some(reason));
        if let Some(session) = self.session.upgrade() {
            session.change(::live::Broadcast::unwatch);
        }
    }

    async fn work(&mut self) -> Result<Infallible, Stop> {
        let mut failures = 0u32;
        // Who makes a step more goes on with the picture and the turn that it has.
        let mut next: Option<(Picture, OwnedSemaphorePermit)> = None;
        loop {
            let (first, turn) = match next.take() {
                Some(both) => both,
                None => self.beginning().await?,
            };
            let begun = Instant::now();
            let ended = self.make(first).await?;
            // Others may have the turn of one that is not made.
            let turn = Some(turn).filter(|_| matches!(ended, Ended::More(_)));
            match ended {
                Ended::More(picture) => {
                    self.leave().await;
                    self.make_more();
                    next = turn.map(|turn| (picture, turn));
                }
                Ended::Idle => {
                    failures = 0;
                    self.leave().await;
                    let reason = "the encoder is silent".to_owned();
                    self.say(LadderState::Waiting, Health::Idle, Some(reason));
                }
                Ended::Slow => self.make_less("this machine is too slow for").await?,
                Ended::Failed(reason) => {
                    failures = if begun.elapsed() > STEADY { 1 } else { failures.saturating_add(1) };
                    self.restarts = self.restarts.saturating_add(1);
                    metrics::counter!("matinee_live_ladder_restarts_total").increment(1);
                    tracing::warn!(
                        event = self.name,
                        reason,
                        failures,
                        "a ladder is not made; it is tried again"
                    );
                    // Who begins to watch is not told of what does not come back at once.
                    self.leave().await;
                    if failures > 1 {
                        self.retire(None);
                    }
                    if failures >= FAILURES && self.rungs.made().len() > 1 {
                        failures = 0;
                        self.make_less(&format!("{reason}, {FAILURES} times in a row, with")).await?;
                    } else {
                        self.say(LadderState::Failing, Health::Missing, Some(reason));
                        self.pause(pause(failures)).await?;
                    }
                }
            }
        }
    }

    /// The next picture that an ffmpeg can begin with, and its turn.
    async fn beginning(&mut self) -> Result<(Picture, OwnedSemaphorePermit), Stop> {
        let first = self.key_picture().await?;
        if self.rungs.is_new() {
            let steps = steps(&self.wanted, &self.source, first.sample.duration);
            let steps = steps.map_err(|unfit| Stop::Off(unfit.to_string()))?;
            if self.source.range() != Some("SDR")
                && let Some(why) = lacks(&self.program, &OF_SDR).await
            {
                return Err(Stop::Off(format!("the encoder sends HDR, and {why}")));
            }
            self.rungs.set(steps, Instant::now());
        }
        match Arc::clone(&self.turns).try_acquire_owned() {
            Ok(turn) => Ok((first, turn)),
            Err(_) => {
                let turn = self.turn().await?;
                Ok((self.key_picture().await?, turn))
            }
        }
    }

    /// The next picture that decoding can begin with.
    async fn key_picture(&mut self) -> Result<Picture, Stop> {
        loop {
            let picture = self.picture().await?;
            if picture.sample.sync {
                return Ok(picture);
            }
        }
    }

    async fn picture(&mut self) -> Result<Picture, Stop> {
        heard(self.received.recv().await)
    }

    /// Until another ladder is over; pictures pass meanwhile.
    async fn turn(&mut self) -> Result<OwnedSemaphorePermit, Stop> {
        let reason = "as many ladders are made here as live.ladders of matinee.toml allows";
        tracing::warn!(event = self.name, "{reason}: this one waits");
        self.say(LadderState::Waiting, Health::Missing, Some(reason.to_owned()));
        let turn = Arc::clone(&self.turns).acquire_owned();
        let mut turn = std::pin::pin!(turn);
        loop {
            tokio::select! {
                turn = &mut turn => return turn.map_err(|_| Stop::Over),
                message = self.received.recv() => drop(heard(message)?),
            }
        }
    }

    /// Lets pictures pass for a while.
    async fn pause(&mut self, pause: Duration) -> Result<(), Stop> {
        let mut over = std::pin::pin!(tokio::time::sleep(pause));
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                message = self.received.recv() => drop(heard(message)?),
            }
        }
    }

    /// The highest step is not made any more, for a reason that ends where it says which steps it is about.
    async fn make_less(&mut self, reason: &str) -> Result<(), Stop> {
        let Some(step) = self.rungs.drop_highest(Instant::now()) else { return Ok(()) };
        self.leave().await;
        self.retire(Some(step.height));
        metrics::counter!("matinee_live_ladder_steps_dropped_total").increment(1);
        let which = if self.rungs.made().is_empty() { "any step" } else { "all steps" };
        let reason = format!("{reason} {which}");
        tracing::warn!(
            event = self.name,
            height = step.height,
            reason,
            "a step of a ladder is not made for now"
        );
        self.say(LadderState::Waiting, Health::Missing, Some(reason));
        if let (true, Some(wait)) = (self.rungs.made().is_empty(), self.rungs.wait(Instant::now())) {
            self.pause(wait).await?;
            self.make_more();
        }
        Ok(())
    }

    /// A step that was left out is tried again.
    fn make_more(&mut self) {
        if let Some(step) = self.rungs.take_back(Instant::now()) {
            metrics::counter!("matinee_live_ladder_steps_returned_total").increment(1);
            tracing::info!(event = self.name, height = step.height, "a step of a ladder is tried again");
        }
    }

    /// Nobody makes the renditions for now.
    async fn leave(&mut self) {
        let making = std::mem::take(&mut self.making);
        let Some((service, session)) = self.places() else { return };
        for making in making {
            session.close_made(&service, making.handle).await;
        }
    }

    /// The rendition of this height, or all of them, will not come soon, whoever has made them: who begins to
    /// watch is not told of it.
    fn retire(&self, height: Option<u32>) {
        if let Some(session) = self.session.upgrade() {
            session.retire_made(height.map(|height| height.to_string()).as_deref());
        }
    }

    fn places(&self) -> Option<(Arc<Service>, Arc<Session>)> {
        self.service.upgrade().zip(self.session.upgrade())
    }

    /// Runs ffmpeg from a picture on.
    async fn make(&mut self, first: Picture) -> Result<Ended, Stop> {
        let means = Means { encoder: self.encoder, device: self.device.as_deref(), threads: self.threads };
        let arguments = arguments(self.rungs.made(), &self.source, means);
        let mut process = match Process::start(&self.program, &arguments, self.name.clone()) {
            Ok(process) => process,
            Err(reason) => return Ok(Ended::Failed(reason)),
        };
        let (mut feeder, mut renditions) = (Feeder::new(&self.source), Renditions::new(&self.source));
        let mut under_way = UnderWay::new(self.rungs.made().len(), most_held(self.threads));
        process.write(Feeder::header(&self.source), None);
        give(&process, &mut feeder, &mut under_way, first);
        let mut look = tokio::time::interval(LOOK);
        let mut latest = Instant::now();
        let ended = loop {
            tokio::select! {
                message = self.received.recv() => match heard(message) {
                    // One that is behind would not be through with what it has in time.
                    Ok(picture)
                        if under_way.age(Instant::now()) < LOOK && self.is_time_for_more(&picture) =>
                    {
                        break Ok(Ended::More(picture));
                    }
                    Ok(picture) => {
                        latest = Instant::now();
                        give(&process, &mut feeder, &mut under_way, picture);
                    }
                    Err(Stop::Over) => break Err(Stop::Over),
                    Err(stop) => return Err(stop),
                },
                read = process.read() => {
                    let made = match read {
                        Ok(piece) if !piece.is_empty() => Some(renditions.push(piece)),
                        _ => None,
                    };
                    let Some(made) = made else {
                        return Ok(Ended::Failed(process.last_words().await));
                    };
                    if let Some(ended) = self.take(made, &mut under_way).await? {
                        return Ok(ended);
                    }
                }
                _ = look.tick() => {
                    if under_way.age(Instant::now()) > self.behind {
                        return Ok(Ended::Slow);
                    }
                    if latest.elapsed() > IDLE {
                        break Ok(Ended::Idle);
                    }
                }
            }
        };
        // What it has, it makes.
        process.close_input();
        let rest = async {
            while let Ok(piece) = process.read().await
                && !piece.is_empty()
            {
                let made = renditions.push(piece);
                if !matches!(self.take(made, &mut under_way).await, Ok(None)) {
                    break;
                }
            }
        };
        if tokio::time::timeout(REST, rest).await.is_err() {
            tracing::warn!(event = self.name, "the last pictures of a ladder came too late");
        }
        ended
    }

    /// Whether a step more is tried from this picture on: where a segment begins, so that those that are made
    /// already lack nothing of the one before.
    fn is_time_for_more(&self, picture: &Picture) -> bool {
        picture.sample.sync
            && self.rungs.is_due(Instant::now())
            && self
                .session
                .upgrade()
                .is_some_and(|session| session.read(|broadcast| broadcast.begins_segment(&picture.sample)))
    }

    /// Publishes what was made; `Some` where nothing more can be taken of this ffmpeg.
    async fn take(
        &mut self,
        made: Result<Vec<Rendition>, ::live::IngestError>,
        under_way: &mut UnderWay,
    ) -> Result<Option<Ended>, Stop> {
        let made = match made {
            Ok(made) => made,
            Err(error) => {
                return Ok(Some(Ended::Failed(format!("what ffmpeg makes cannot be read: {error}"))));
            }
        };
        let Some((service, session)) = self.places() else { return Err(Stop::Over) };
        for made in made {
            match made {
                Rendition::Tracks(sources) => {
                    if sources.len() != self.rungs.made().len() || !self.making.is_empty() {
                        return Ok(Some(Ended::Failed(
                            "ffmpeg makes other tracks than it was told".to_owned(),
                        )));
                    }
                    for (step, source) in self.rungs.made().iter().zip(&sources) {
                        let name = step.height.to_string();
                        match session.open_made(&service, &name, source).await {
                            Ok(handle) => self.making.push(Making { track: source.track_id, handle }),
                            Err(error) => return Ok(Some(Ended::Failed(error.to_string()))),
                        }
                    }
                    let heights: Vec<_> = self.rungs.made().iter().map(|step| step.height).collect();
                    tracing::info!(event = self.name, ?heights, "a ladder is made");
                    self.say(LadderState::Running, Health::Running, None);
                }
                Rendition::Samples { track, samples } => {
                    let Some(at) = self.making.iter().position(|making| making.track == track) else {
                        continue;
                    };
                    if let Some(last) = samples.last() {
                        under_way.come(at, last.time);
                    }
                    let pushed = session.push_made(&service, self.making[at].handle, samples).await;
                    pushed.map_err(|Closed| Stop::Over)?;
                }
            }
        }
        Ok(None)
    }

    /// Says how it does, and writes down how it stands.
    fn say(&self, state: LadderState, health: Health, reason: Option<String>) {
        *lock(&self.health) = health;
        let Some((service, session)) = self.places() else { return };
        let standing = LadderStanding {
            state,
            steps: self.rungs.made().to_vec(),
            dropped: self.rungs.dropped().to_vec(),
            again: self.rungs.wait(Instant::now()).map(|wait| service.clock.now() + wait.as_secs()),
            restarts: self.restarts,
            reason,
            since: service.clock.now(),
        };
        if let Err(error) = service.live.events.set_ladder(&session.event, &standing) {
            tracing::warn!(event = self.name, %error, "how a ladder stands cannot be written down");
        }
    }
}

/// What a message says.
fn heard(message: Option<Message>) -> Result<Picture, Stop> {
    match message {
        Some(Message::Picture(picture)) => Ok(picture),
        Some(Message::Several) => {
            Err(Stop::Off("the encoder sends several renditions of pictures itself".to_owned()))
        }
        None => Err(Stop::Over),
    }
}

/// Gives ffmpeg a picture.
fn give(process: &Process, feeder: &mut Feeder, under_way: &mut UnderWay, picture: Picture) {
    let Picture { sample, weight } = picture;
    if let Some(fragment) = feeder.fragment(&sample) {
        under_way.give(sample.time, Instant::now());
        process.write(fragment, Some(weight));
    }
}

/// Before it is started again after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doubled = 2u32.saturating_pow(failures.saturating_sub(1).min(16));
    PAUSE.0.saturating_mul(doubled).min(PAUSE.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_have_an_end() {
        let seconds = [0, 1, 2, 3, 7, 8, u32::MAX].map(|failures| pause(failures).as_secs());
        assert_eq!(seconds, [1, 1, 2, 4, 60, 60, 60]);
    }
}
