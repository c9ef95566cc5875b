//! The streams: each handles its requests in the order sent, and waits with what needs a missing key.

use cenc::Kid;
use drm_api::cdm::{Reply, StreamId};
use drm_api::{DrmError, RequestId};
use js_sys::Uint8Array;

use super::interop::{hex, state};
use super::post::{self, Port};
use crate::{Keys, PushDecryptor, Step, WholeSegment};

/// What a stream is to do next.
pub(super) enum Job {
    Init(Uint8Array),
    /// The next bytes of a segment, which is the request of that id.
    Push {
        whole: Option<(Kid, [u8; 16])>,
        last: bool,
        bytes: Uint8Array,
    },
}

/// So many segments that are over are remembered. A page pushes no more at once.
const MOST_OVER: usize = 8;

#[derive(Default)]
struct Stream {
    decryptor: PushDecryptor,
    /// The segment that has begun and is not answered yet.
    segment: Option<RequestId>,
    /// The segment, if it is encrypted whole.
    whole: Option<WholeSegment>,
    /// Segments that were last answered with an error: what still comes of them would be read from its
    /// middle.
    over: [Option<RequestId>; MOST_OVER],
    /// How many there were.
    ended: usize,
    /// What waits for a missing key. The front one's bytes are in the decryptor, which holds a fragment.
    queue: Vec<(RequestId, Result<Job, DrmError>)>,
    front_begun: bool,
    /// What the page was last told to be missing.
    asked: Vec<Kid>,
}

/// All streams by number.
#[derive(Default)]
pub(super) struct Streams(Vec<(StreamId, Stream)>);

impl Streams {
    /// Queues a message (an error, if it is malformed) and continues with the stream as far as possible.
    pub(super) fn handle(
        &mut self,
        port: &Port,
        keys: &mut impl Keys,
        number: StreamId,
        job: (RequestId, Result<Job, DrmError>),
    ) {
        let at = self.0.iter().position(|(of, _)| *of == number).unwrap_or_else(|| {
            self.0.push((number, Stream::default()));
            self.0.len() - 1
        });
        let stream = &mut self.0[at].1;
        stream.queue.push(job);
        stream.run(port, keys);
    }

    /// Goes on with all streams after new keys came: with what waits, or what is held of a segment that is
    /// still coming.
    pub(super) fn resume(&mut self, port: &Port, keys: &mut impl Keys) {
        for (_, stream) in &mut self.0 {
            match stream.segment {
                Some(segment) if stream.queue.is_empty() => {
                    if let Err(error) = stream.step(port, keys, (segment, false)) {
                        stream.fail(port, segment, error.into());
                    }
                }
                _ => stream.run(port, keys),
            }
        }
    }

    /// Drops what a stream has not finished; what is pending is answered.
    pub(super) fn abort(&mut self, port: &Port, number: StreamId) {
        let Some((_, stream)) = self.0.iter_mut().find(|(of, _)| *of == number) else { return };
        stream.turn_to(port, None);
        stream.front_begun = false;
        for (id, _) in std::mem::take(&mut stream.queue) {
            stream.end(port, id, DrmError::Aborted);
        }
    }

    /// Ends a stream.
    pub(super) fn close(&mut self, port: &Port, number: StreamId) {
        self.abort(port, number);
        self.0.retain(|(of, _)| *of != number);
    }
}

impl Stream {
    fn run(&mut self, port: &Port, keys: &mut impl Keys) {
        let mut queue = std::mem::take(&mut self.queue).into_iter();
        while let Some((id, job)) = queue.next() {
            match &job {
                // What still comes of a segment that is over is passed over.
                _ if self.is_over(id) => {}
                Err(error) => self.fail(port, id, error.clone()),
                Ok(Job::Init(bytes)) => self.init(port, id, bytes),
                Ok(Job::Push { whole, last, bytes }) => {
                    match self.push(port, keys, (id, *last), (*whole, bytes)) {
                        Ok(true) => {
                            self.front_begun = true;
                            self.queue.push((id, job));
                            self.queue.extend(queue);
                            return;
                        }
                        Ok(false) => {}
                        Err(error) => self.fail(port, id, error.into()),
                    }
                }
            }
            self.front_begun = false;
        }
    }

    /// Drops what is left of a segment, for another one or none; one that is not finished is answered.
    fn turn_to(&mut self, port: &Port, segment: Option<RequestId>) {
        if let Some(unfinished) = self.segment.take() {
            self.end(port, unfinished, DrmError::Aborted);
        }
        self.decryptor.reset();
        self.whole = None;
        self.asked.clear();
        self.segment = segment;
    }

    /// Answers a segment, or another request, with an error.
    fn fail(&mut self, port: &Port, id: RequestId, error: DrmError) {
        if self.segment == Some(id) {
            self.segment = None;
        }
        self.turn_to(port, None);
        self.end(port, id, error);
    }

    fn is_over(&self, id: RequestId) -> bool {
        self.over.contains(&Some(id))
    }

    /// Answers a request with an error, once.
    fn end(&mut self, port: &Port, id: RequestId, error: DrmError) {
        if self.is_over(id) {
            return;
        }
        self.over[self.ended % MOST_OVER] = Some(id);
        self.ended += 1;
        post::stream_reply(port, id, &Err(error), None);
    }

    fn init(&mut self, port: &Port, id: RequestId, bytes: &Uint8Array) {
        self.turn_to(port, None);
        match self.decryptor.set_init(bytes.to_vec()) {
            Ok(clear) => {
                let kids = clear.kids.iter().map(name).collect();
                let reply = Reply::Init { kids, init_data: clear.init_data };
                post::stream_reply(port, id, &Ok(reply), Some(&clear.bytes));
            }
            Err(error) => self.fail(port, id, error.into()),
        }
    }

    /// Takes a segment's next bytes; whether they wait for a key.
    fn push(
        &mut self,
        port: &Port,
        keys: &mut impl Keys,
        (segment, last): (RequestId, bool),
        (whole, bytes): (Option<(Kid, [u8; 16])>, &Uint8Array),
    ) -> Result<bool, crate::Error> {
        if !self.front_begun {
            if self.segment != Some(segment) {
                self.turn_to(port, Some(segment));
                self.whole = whole.map(|(kid, iv)| WholeSegment::new(kid, iv));
            }
            let bytes = bytes.to_vec();
            match &mut self.whole {
                Some(whole) => whole.push(&bytes)?,
                None => self.decryptor.push_owned(bytes)?,
            }
        }
        self.step(port, keys, (segment, last))
    }

    /// Hands out what is complete and has its keys; whether a segment that has come whole waits for one.
    fn step(
        &mut self,
        port: &Port,
        keys: &mut impl Keys,
        (segment, last): (RequestId, bool),
    ) -> Result<bool, crate::Error> {
        loop {
            let begun = post::now();
            let step = match &mut self.whole {
                Some(whole) if last => whole.finish(keys)?,
                Some(_) => Step::NeedData,
                None => self.decryptor.step(keys)?,
            };
            match step {
                Step::Fragment(clear) => {
                    self.asked.clear();
                    post::fragment(port, segment, clear, post::now() - begun);
                }
                Step::NeedKeys(kids) => {
                    if self.asked != kids {
                        let names = kids.iter().map(name).collect();
                        post::stream_reply(port, segment, &Ok(Reply::NeedKey { kids: names }), None);
                        self.asked = kids;
                    }
                    return Ok(last);
                }
                Step::NeedData if last => {
                    self.decryptor.finish()?;
                    self.segment = None;
                    self.turn_to(port, None);
                    post::stream_reply(port, segment, &Ok(Reply::Done), None);
                    return Ok(false);
                }
                Step::NeedData => return Ok(false),
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
