//! The streams: each handles its requests in the order sent, and waits with what needs a missing key.

use cenc::Kid;
use drm_api::{DrmError, Event, Reply, RequestId, SegmentId, StreamId};
use js_sys::Uint8Array;

use super::interop::{hex, state};
use super::post::{self, Port};
use crate::{Keys, PushDecryptor, Step, WholeSegment};

/// A stream's request that has not been answered.
pub(super) enum Job {
    Init(Uint8Array),
    Whole(SegmentId, Kid, [u8; 16]),
    Push { segment: SegmentId, last: bool, bytes: Uint8Array },
}

#[derive(Default)]
struct Stream {
    decryptor: PushDecryptor,
    segment: Option<SegmentId>,
    /// The segment, if it is encrypted whole.
    whole: Option<WholeSegment>,
    /// The segment that went wrong, and how: what still comes of it would be read from its middle.
    failed: Option<(SegmentId, DrmError)>,
    /// The front one may have begun: its bytes are in the decryptor, which holds a fragment.
    queue: Vec<(RequestId, Job)>,
    front_begun: bool,
    /// What the page was last told to be missing.
    asked: Vec<Kid>,
}

/// All streams by number.
#[derive(Default)]
pub(super) struct Streams(Vec<(StreamId, Stream)>);

enum Front {
    Finished(Result<Reply, DrmError>, Option<Vec<u8>>),
    Waiting,
}

impl Streams {
    /// Queues a request and continues with the stream as far as possible.
    pub(super) fn handle(
        &mut self,
        port: &Port,
        keys: &mut impl Keys,
        (id, number, job): (RequestId, StreamId, Job),
    ) {
        let at = self.0.iter().position(|(of, _)| *of == number).unwrap_or_else(|| {
            self.0.push((number, Stream::default()));
            self.0.len() - 1
        });
        let stream = &mut self.0[at].1;
        stream.queue.push((id, job));
        stream.run(port, keys, number);
    }

    /// Goes on with all streams after new keys came: with what waits, or what is held of a segment that is
    /// still coming.
    pub(super) fn resume(&mut self, port: &Port, keys: &mut impl Keys) {
        for (number, stream) in &mut self.0 {
            match stream.segment {
                Some(segment) if stream.queue.is_empty() => {
                    if let Err(error) = stream.step(port, keys, *number, (segment, false)) {
                        stream.fail(segment, error.into());
                    }
                }
                _ => stream.run(port, keys, *number),
            }
        }
    }

    /// Drops what a stream has not finished; its pending requests are answered.
    pub(super) fn abort(&mut self, port: &Port, number: StreamId) {
        let Some((_, stream)) = self.0.iter_mut().find(|(of, _)| *of == number) else { return };
        stream.turn_to(None);
        stream.front_begun = false;
        stream.asked.clear();
        for (id, _) in stream.queue.drain(..) {
            post::reply(port, id, &Err(DrmError::Aborted), None);
        }
    }

    /// Ends a stream.
    pub(super) fn close(&mut self, port: &Port, number: StreamId) {
        self.abort(port, number);
        self.0.retain(|(of, _)| *of != number);
    }
}

impl Stream {
    fn run(&mut self, port: &Port, keys: &mut impl Keys, number: StreamId) {
        while !self.queue.is_empty() {
            let (id, job) = self.queue.remove(0);
            let front = match &job {
                Job::Init(bytes) => self.init(bytes),
                Job::Whole(segment, kid, iv) => {
                    self.turn_to(Some(*segment));
                    self.whole = Some(WholeSegment::new(*kid, *iv));
                    Front::Finished(Ok(Reply::Done), None)
                }
                Job::Push { segment, last, bytes } => {
                    match self.push(port, keys, number, (*segment, *last, bytes)) {
                        Ok(front) => front,
                        Err(error) => Front::Finished(Err(self.fail(*segment, error.into())), None),
                    }
                }
            };
            match front {
                Front::Waiting => {
                    self.front_begun = true;
                    self.queue.insert(0, (id, job));
                    return;
                }
                Front::Finished(reply, bytes) => {
                    self.front_begun = false;
                    post::reply(port, id, &reply, bytes.as_deref());
                }
            }
        }
    }

    /// Drops what is left of a segment, for another one or none.
    fn turn_to(&mut self, segment: Option<SegmentId>) {
        self.decryptor.reset();
        self.whole = None;
        self.failed = None;
        self.segment = segment;
    }

    fn fail(&mut self, segment: SegmentId, error: DrmError) -> DrmError {
        self.turn_to(None);
        self.failed = Some((segment, error.clone()));
        error
    }

    fn init(&mut self, bytes: &Uint8Array) -> Front {
        self.turn_to(None);
        match self.decryptor.set_init(bytes.to_vec()) {
            Ok(clear) => {
                let kids = clear.kids.iter().map(name).collect();
                Front::Finished(Ok(Reply::Init { kids, init_data: clear.init_data }), Some(clear.bytes))
            }
            Err(error) => Front::Finished(Err(error.into()), None),
        }
    }

    fn push(
        &mut self,
        port: &Port,
        keys: &mut impl Keys,
        stream: StreamId,
        (segment, last, bytes): (SegmentId, bool, &Uint8Array),
    ) -> Result<Front, crate::Error> {
        if !self.front_begun {
            if let Some((_, error)) = self.failed.as_ref().filter(|(of, _)| *of == segment) {
                return Ok(Front::Finished(Err(error.clone()), None));
            }
            if self.segment != Some(segment) {
                self.turn_to(Some(segment));
            }
            let bytes = bytes.to_vec();
            match &mut self.whole {
                Some(whole) => whole.push(&bytes)?,
                None => self.decryptor.push_owned(bytes)?,
            }
        }
        self.step(port, keys, stream, (segment, last))
    }

    /// Hands out what is complete and has its keys.
    fn step(
        &mut self,
        port: &Port,
        keys: &mut impl Keys,
        stream: StreamId,
        (segment, last): (SegmentId, bool),
    ) -> Result<Front, crate::Error> {
        loop {
            let step = match &mut self.whole {
                Some(whole) if last => whole.finish(keys)?,
                Some(_) => Step::NeedData,
                None => self.decryptor.step(keys)?,
            };
            match step {
                Step::Fragment(clear) => {
                    self.asked.clear();
                    post::event(port, &Event::Fragment { stream, segment }, Some(clear));
                }
                Step::NeedKeys(kids) => {
                    if self.asked != kids {
                        let names = kids.iter().map(name).collect();
                        post::event(port, &Event::NeedKey { stream, kids: names }, None);
                        self.asked = kids;
                    }
                    // What is taken and held is done, but for the promise that `last` makes.
                    return Ok(if last { Front::Waiting } else { Front::Finished(Ok(Reply::Done), None) });
                }
                Step::NeedData if last => {
                    let finished = self.decryptor.finish();
                    self.turn_to(None);
                    return finished.map(|()| Front::Finished(Ok(Reply::Done), None));
                }
                Step::NeedData => return Ok(Front::Finished(Ok(Reply::Done), None)),
            }
        }
    }
}

fn name(kid: &Kid) -> String {
    hex(kid.as_bytes())
}

/// The bytes that a request came with.
pub(super) fn bytes_of(message: &wasm_bindgen::JsValue) -> Result<Uint8Array, DrmError> {
    super::interop::typed::<js_sys::ArrayBuffer>(message, drm_api::property::BYTES)
        .map(|buffer| Uint8Array::new(&buffer))
        .ok_or_else(|| state("a request without its bytes"))
}
