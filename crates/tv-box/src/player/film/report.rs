//! What is told of a film: to the controller, and on the screen.

use engine::{buffer::Ranges, model::TrackKind};
use nccp::{LogBlob, LogEvent, NewRules, RequestMessage, ResponseMessage, WireError};

use super::{Answer, Film};
use crate::control::Ask;
use crate::player::height;
use crate::{Notice, Reason};

/// What the controller says to a report.
#[derive(Debug, Default)]
pub(in crate::player) struct Heard {
    /// The film's rules have changed.
    pub(super) rules: Option<NewRules>,
    /// It may not play on: by name, where films of the account play now.
    pub(super) stopped: Option<String>,
    /// The account may not play it on.
    pub(super) refused: Option<WireError>,
}

impl Film<'_> {
    /// The controller took a report.
    pub(super) fn logged(&mut self, event: LogEvent, position: f64) {
        self.screen.show(&Notice::Logged { movie_id: self.movie, reason: event.as_str(), position });
    }

    pub(super) fn show_position(&mut self, there: &Ranges) {
        let position = self.outlet.position;
        let playing = self.engine.playing(TrackKind::Video);
        self.screen.show(&Notice::Position {
            position,
            duration: self.duration,
            buffered: there.end_at(position).unwrap_or(position),
            height: playing.and_then(|id| height(&self.manifest, id)),
            paused: self.outlet.paused,
        });
    }

    fn blob(&self, event: LogEvent) -> LogBlob {
        let stats = self.engine.stats();
        let mut counters = vec![
            ("stalls", stats.rebuffers),
            ("switches", stats.switches),
            ("frames", self.outlet.pictures()),
        ];
        if let Some(time) = self.first_picture {
            counters.push(("startup_ms", u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
        }
        let counters = counters.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        let policy_version = self.policy_version.clone();
        LogBlob { movie_id: self.movie, position: self.outlet.position, event, counters, policy_version }
    }

    /// Reports where the film is; playback does not wait for it.
    pub(super) fn report(&mut self, event: LogEvent) {
        self.unreported = 0.0;
        let blob = self.blob(event);
        let position = blob.position;
        let asked = self.control.ask(Ask::Message(RequestMessage::LogBlob(blob)));
        let answer = self.answer.clone();
        tokio::spawn(async move {
            let result = asked.await.map(|answer| match answer {
                ResponseMessage::LogBlob { rules, stopped, refused, .. } => Heard { rules, stopped, refused },
                _ => Heard::default(),
            });
            let _ = answer.send(Answer::Logged(event, position, result)).await;
        });
    }

    /// The last report; whether it was taken. Of a film that nobody has seen anything of, there is none.
    pub(in crate::player) fn last_report(&self, reason: Reason) -> impl Future<Output = bool> + use<> {
        let event = if reason == Reason::Finished { LogEvent::End } else { LogEvent::Hide };
        let asked = self
            .first_picture
            .map(|_| self.control.ask(Ask::Message(RequestMessage::LogBlob(self.blob(event)))));
        async move {
            match asked {
                Some(asked) => asked.await.is_ok(),
                None => false,
            }
        }
    }

    /// Says how it ended, and keeps what the next film may use.
    pub(in crate::player) fn close(&mut self, reason: Reason, logged: bool) {
        if logged {
            let event = if reason == Reason::Finished { LogEvent::End } else { LogEvent::Hide };
            self.logged(event, self.outlet.position);
        }
        let stats = self.engine.stats();
        self.screen.show(&Notice::Ended {
            movie_id: self.movie,
            reason,
            position: self.outlet.position,
            stalls: stats.rebuffers,
            switches: stats.switches,
            tracks: self.outlet.delivered(),
        });
        if let Some(estimate) = stats.estimate {
            // Only the next film's first choice depends on it.
            let _ = self.control.shared.state().set_throughput(estimate);
        }
    }
}
