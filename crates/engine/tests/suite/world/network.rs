//! Requests and answers: what the CDNs give, over the link.

use std::time::Duration;

use engine::{Event, Failure, FetchId, FetchSpec};

use super::{BEGINS, Behaviour, FIRST, World, link::Flight};

/// Bytes of a packet.
const PACKET: u64 = 1460;
/// After which a request is sent again.
const TIME_OUT: Duration = Duration::from_millis(200);

impl World {
    pub(super) fn request(&mut self, spec: FetchSpec) {
        let same = |flight: &&Flight| {
            let other = &flight.spec;
            other.track == spec.track && other.segment && spec.segment
        };
        assert_eq!(self.flights.iter().filter(same).count(), 0, "one segment of a track at a time");
        let beside =
            |flight: &Flight| flight.spec.head > 0 && flight.spec.representation == spec.representation;
        // An init segment may be between two attempts while the first segment is fetched beside it.
        let awaited =
            self.broadcast.is_some()
                && self.engine.tracks().iter().any(|track| {
                    track.head_job().is_some() && track.representation().id == spec.representation
                });
        assert!(
            spec.head > 0
                || awaited
                || self.heads.contains(&spec.representation)
                || (self.heads.is_empty() || self.position == self.seen.began)
                    && self.flights.iter().any(beside),
            "a head before its segments: {spec:?}"
        );
        let download = self.downloads.entry(spec.fetch).or_default();
        if spec.offset == 0 {
            download.first = spec.range.start;
        }
        assert_eq!(download.received, spec.offset, "a retry asks for what is missing");
        assert_eq!(download.first + spec.offset, spec.range.start, "and for nothing else");
        let (place, size) = match &self.broadcast {
            Some(_) => self.look_up(&spec.representation, &spec.url),
            None => {
                assert!(spec.sized);
                let place = self.film.file(&spec.representation).at_end(spec.range.end);
                (place.map(|place| (place, None)), Some(spec.range.end + 1))
            }
        };
        if let (true, Some(size)) = (spec.sized, size) {
            assert_eq!(spec.range.end + 1, size, "to the end of what there is: {spec:?}");
        }
        let download = self.downloads.entry(spec.fetch).or_default();
        (download.place, download.part) = (place.map(|of| of.0), place.and_then(|of| of.1));
        assert_eq!(place.is_some(), spec.segment, "whole segments and heads, nothing else: {spec:?}");
        let cdn = spec.url.trim_start_matches("https://").split('/').next().unwrap().to_owned();
        let generation: u32 = spec.url.rsplit("g=").next().unwrap().parse().unwrap();
        let signed = self.manifests.get(generation as usize).copied().unwrap_or_default();
        let expired = self.urls_expire && self.now > signed + self.urls_valid;
        let behaviour = if generation < self.oldest_good_urls || expired {
            Behaviour::Fail(Failure::Status(403))
        } else if self.missing.contains(&spec.representation) || size.is_none() {
            Behaviour::Fail(Failure::Status(404))
        } else {
            self.cdns[&cdn]
        };
        let length = size.unwrap_or(0).saturating_sub(spec.range.start);
        let late = self.lost(length / PACKET + 1);
        let waits =
            |of: &(u64, usize)| self.broadcast.as_ref().is_some_and(|server| !server.has(*of, self.now));
        let part = place.and_then(|(place, part)| Some((FIRST + place as u64, part?)));
        let held = part.filter(waits).filter(|_| !matches!(behaviour, Behaviour::Fail(_)));
        self.flights.push(Flight { spec, length, sent: self.now, held, late, delivered: 0, behaviour });
    }

    /// How much later an answer of so many packets comes because of those that are lost: a request comes
    /// again after a time-out, packets of an answer a round trip later.
    pub(super) fn lost(&mut self, packets: u64) -> Duration {
        if self.loss <= 0.0 {
            return Duration::ZERO;
        }
        let request = if self.rng.f64() < self.loss { self.rtt + TIME_OUT } else { Duration::ZERO };
        let one_is_lost = 1.0 - (1.0 - self.loss).powf(packets as f64);
        let answer = if self.rng.f64() < one_is_lost { self.rtt } else { Duration::ZERO };
        request + answer
    }

    /// Bytes that one connection carries in a step at most where packets are lost (Mathis, Semke, Mahdavi,
    /// Ott: "The Macroscopic Behavior of the TCP Congestion Avoidance Algorithm", 1997).
    fn carried(&self) -> u64 {
        if self.loss <= 0.0 {
            return u64::MAX;
        }
        let rate = 1.22 * PACKET as f64 / (self.rtt.as_secs_f64().max(0.001) * self.loss.sqrt());
        (rate * self.step.as_secs_f64()) as u64
    }

    fn arrived(&mut self, spec: &FetchSpec, bytes: u64) {
        let download = self.downloads.get_mut(&spec.fetch).unwrap();
        let before = download.received;
        download.received += bytes;
        let received = download.received;
        self.tell(Event::Progress { fetch: spec.fetch, bytes });
        if spec.head > 0 && before < spec.head && received >= spec.head {
            self.heads.insert(spec.representation.clone());
            let index = self.film.index(&spec.representation);
            let representation = spec.representation.clone();
            self.tell(Event::Index { track: spec.track, representation, index });
        }
        // The viewer may have gone elsewhere through what the engine heard.
        if spec.segment && self.wants(spec) {
            self.cut_fragments(spec);
        }
    }

    fn wants(&self, spec: &FetchSpec) -> bool {
        let of = |track: &engine::track::Track| {
            let media = |job: &engine::job::Job| job.media != engine::job::Media::Unwanted;
            track.jobs.iter().any(|job| job.id == spec.fetch && media(job))
        };
        self.engine.tracks().iter().any(of)
    }

    pub(super) fn network(&mut self) {
        if self.gone {
            return;
        }
        let (now, rtt, carried) = (self.now, self.rtt, self.carried());
        // What was waited for is on its way at once.
        let there = |of: (u64, usize)| self.broadcast.as_ref().is_some_and(|server| server.has(of, now));
        for flight in self.flights.iter_mut().filter(|flight| flight.held.is_some_and(there)) {
            (flight.held, flight.sent) = (None, flight.sent.max(now - rtt / 2));
        }
        let flowing = |flight: &Flight, rtt| {
            flight.held.is_none()
                && now >= flight.sent + rtt + flight.late
                && flight.delivered < flight.behaviour.limit().min(flight.length)
        };
        let bandwidth =
            self.trace.as_ref().map_or(self.bandwidth, |trace| trace.at((now - BEGINS).as_secs_f64()));
        let mut budget = (bandwidth / 8.0 * self.step.as_secs_f64()) as u64;
        let mut left = self.flights.iter().filter(|flight| flowing(flight, self.rtt)).count() as u64;
        // The smallest first, so that what they do not use is there for the others.
        let mut ids: Vec<(u64, FetchId)> =
            self.flights.iter().map(|flight| (flight.length - flight.delivered, flight.spec.fetch)).collect();
        ids.sort_unstable();
        for (_, id) in ids {
            let Some(place) = self.flights.iter().position(|flight| flight.spec.fetch == id) else {
                continue;
            };
            let flows = flowing(&self.flights[place], self.rtt);
            let flight = &mut self.flights[place];
            if flight.held.is_some() || now < flight.sent + rtt + flight.late {
                continue;
            }
            let spec = flight.spec.clone();
            let behaviour = flight.behaviour;
            if let Behaviour::Fail(failure) = behaviour {
                self.flights.remove(place);
                self.tell(Event::FetchFailed { fetch: id, failure });
                continue;
            }
            let missing = (flight.length - flight.delivered).min(behaviour.limit() - flight.delivered);
            let part = if flows { (budget / left.max(1)).min(missing).min(carried) } else { 0 };
            if flows {
                budget -= part;
                left -= 1;
            }
            flight.delivered += part;
            let done = flight.delivered == flight.length;
            let limited = flight.delivered >= behaviour.limit() && !done;
            let broken = limited && matches!(behaviour, Behaviour::BreakAfter(_));
            let ended = done || (limited && matches!(behaviour, Behaviour::EndAfter(_)));
            if part > 0 {
                self.arrived(&spec, part);
            }
            if broken || ended {
                self.flights.retain(|flight| flight.spec.fetch != id);
            }
            if broken {
                self.tell(Event::FetchFailed { fetch: id, failure: Failure::Network });
            } else if ended {
                if done && spec.head > 0 {
                    self.heads.insert(spec.representation.clone());
                }
                self.note_part(&spec);
                self.tell(Event::FetchDone { fetch: id });
                if limited && !spec.sized {
                    // It looked whole. What decrypts it finds that it is not.
                    self.tell(Event::Damaged { fetch: id });
                }
            }
        }
    }
}
