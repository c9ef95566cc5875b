//! Ranged fetches.

use std::{cell::Cell, rc::Rc};

use engine::{
    Failure, FetchId, FetchSpec,
    model::{ByteRange, TrackKind},
};
use futures_channel::mpsc;
use futures_util::StreamExt as _;
use wasm_bindgen_test::wasm_bindgen_test;
use web_player::{
    fetcher::{self, Fetch, FetchEvent},
    stream::{Broken, Connection, Way},
};

use super::{blob_url, pattern};

async fn fetched(fetch: Fetch) -> Result<Vec<u8>, Failure> {
    let (sender, mut receiver) = mpsc::unbounded();
    let running = fetcher::start(fetch, move |event| drop(sender.unbounded_send(event)));
    let mut all = Vec::new();
    while let Some(event) = receiver.next().await {
        match event {
            FetchEvent::Chunk(chunk, last) => {
                let buffer = fetcher::into_buffer(&chunk);
                assert_eq!(buffer.byte_length(), chunk.byte_length(), "the buffer holds nothing else");
                all.extend(chunk.to_vec());
                if last {
                    drop(running);
                    return Ok(all);
                }
            }
            FetchEvent::Failed(failure) => return Err(failure),
        }
    }
    panic!("ended without last chunk or failure")
}

#[wasm_bindgen_test]
async fn c16_a_range_header_brings_exactly_its_bytes() {
    let bytes = pattern(300_000);
    let url = blob_url(&bytes, "video/mp4");
    let fetch = Fetch {
        url,
        range: Some((1000, 200_999)),
        length: 200_000,
        sized: true,
        resumed: false,
        afresh: false,
    };
    assert_eq!(fetched(fetch).await.unwrap(), &bytes[1000..201_000]);
}

#[wasm_bindgen_test]
async fn a_range_in_the_address_is_answered_with_200() {
    let url = "data:application/octet-stream;base64,AAECAwQFBgc=".to_owned();
    assert_eq!(
        fetched(Fetch { url, range: None, length: 8, sized: true, resumed: false, afresh: false })
            .await
            .unwrap(),
        [0, 1, 2, 3, 4, 5, 6, 7]
    );
}

/// A segment of an event, whose size nobody has told, ends where its file ends; one that broke off is gone on
/// with also where ranges are not known of.
#[wasm_bindgen_test]
async fn a_file_of_unknown_size_ends_where_it_ends() {
    let url = || "data:application/octet-stream;base64,AAECAwQFBgc=".to_owned();
    let whole =
        Fetch { url: url(), range: None, length: 1 << 28, sized: false, resumed: false, afresh: false };
    assert_eq!(fetched(whole.clone()).await.unwrap(), [0, 1, 2, 3, 4, 5, 6, 7]);
    let rest = Fetch { range: Some((3, 7)), length: 5, sized: true, resumed: true, ..whole };
    assert_eq!(fetched(rest.clone()).await.unwrap(), [3, 4, 5, 6, 7]);
    let range = Fetch { resumed: false, ..rest };
    assert_eq!(fetched(range).await, Err(Failure::Status(200)), "a range is a range");
}

#[wasm_bindgen_test]
async fn fewer_or_more_bytes_than_promised_are_a_failure() {
    let url = || "data:application/octet-stream;base64,AAECAwQFBgc=".to_owned();
    let (longer, shorter) = (
        Fetch { url: url(), range: None, length: 9, sized: true, resumed: false, afresh: false },
        Fetch { url: url(), range: None, length: 7, sized: true, resumed: false, afresh: false },
    );
    assert_eq!(fetched(longer).await, Err(Failure::Truncated));
    assert_eq!(fetched(shorter).await, Err(Failure::Truncated));
}

#[wasm_bindgen_test]
async fn a_status_that_the_range_form_does_not_promise_is_a_failure() {
    let missing = Fetch {
        url: "/no-such-file".into(),
        range: None,
        length: 8,
        sized: true,
        resumed: false,
        afresh: false,
    };
    assert!(matches!(fetched(missing).await, Err(Failure::Status(404))));
    let nobody = Fetch {
        url: "http://localhost:1/".into(),
        range: None,
        length: 8,
        sized: true,
        resumed: false,
        afresh: false,
    };
    assert_eq!(fetched(nobody).await, Err(Failure::Network));
}

/// B87: where nobody answers, whoever waits for the connection is told to take another way.
#[wasm_bindgen_test]
async fn b87_what_cannot_be_streamed_comes_another_way() {
    let connection = Connection::open("ws://localhost:2/stream/vod/1").unwrap();
    let spec = FetchSpec {
        fetch: FetchId(1),
        track: TrackKind::Video,
        representation: "1811192541".into(),
        url: String::new(),
        range_header: true,
        range: ByteRange::new(0, 99).unwrap(),
        sized: true,
        head: 100,
        offset: 0,
        segment: false,
        start: None,
        afresh: false,
        client_data: None,
    };
    assert!(connection.carries(&spec));
    let (sender, mut receiver) = mpsc::unbounded();
    let _running = connection.start(&spec, move |event| drop(sender.unbounded_send(event)));
    assert!(matches!(receiver.next().await, Some(FetchEvent::Failed(Failure::Unstreamed))));
    assert_eq!(connection.way(), Way::Ranges(Broken::Closed));
    assert!(!connection.carries(&spec));
}

#[wasm_bindgen_test]
async fn an_aborted_fetch_says_nothing_more() {
    let events = Rc::new(Cell::new(0));
    let counted = Rc::clone(&events);
    let fetch = Fetch {
        url: blob_url(&pattern(100_000), "video/mp4"),
        range: None,
        length: 100_000,
        sized: true,
        resumed: false,
        afresh: false,
    };
    let again = fetch.clone();
    let running = fetcher::start(fetch, move |_| counted.set(counted.get() + 1));
    drop(running);
    // The same from the same place, to its end: by then the first would have spoken.
    fetched(again).await.unwrap();
    assert_eq!(events.get(), 0);
}
