//! From the manifest to what the engine needs of it.

use std::time::Duration;

use engine::model::{
    ByteRange, Cdn, Layout, Presentation, RangeForm, Representation, SegmentFiles, SingleFile, Source,
    StartSegment, Timeline, TrackKind,
};
use nccp::{Downloadable, Manifest, MediaType};

use crate::live::{INIT, MEDIA};

/// The type for `MediaSource`: `video/mp4; codecs="avc1.64001F"`.
pub fn media_type(downloadable: &Downloadable) -> String {
    format!("{}; codecs=\"{}\"", downloadable.mime_type, downloadable.codecs)
}

/// The film as the engine sees it: what the browser cannot decode, or lacks ranges, is left out. The manifest
/// of an event has to be [whole](crate::LiveIndex::complete).
///
/// `server_now` is Unix time by the server's clock.
pub fn presentation(manifest: &Manifest, server_now: f64, supported: impl Fn(&str) -> bool) -> Presentation {
    let duration = manifest.duration.map_or(0.0, |duration| duration.as_f64());
    let cdns = manifest.cdns.iter().map(|cdn| Cdn {
        id: cdn.id.to_string(),
        ranges: match cdn.ranges {
            // Segments of an event are files, whose names have no ranges in them.
            nccp::RangeForm::Path if manifest.live.is_none() => RangeForm::Path,
            _ => RangeForm::Header,
        },
        client_data: cdn.cmcd.is_some(),
    });
    let playable = manifest.downloadables.iter().filter(|d| supported(&media_type(d)));
    let (timeline, start) = match &manifest.live {
        None => {
            let start = manifest.resume_position.clamp(0.0, (duration - 1.0).max(0.0));
            (Timeline::Fixed { duration }, Some(start))
        }
        Some(live) => (Timeline::Growing { distance: live.target_latency }, None),
    };
    let representation = |one: &Downloadable| representation(one, manifest.live.is_some());
    Presentation {
        timeline,
        start,
        urls_valid: Duration::from_secs_f64((manifest.expiration as f64 - server_now).clamp(1.0, 1e9)),
        cdns: cdns.collect(),
        representations: playable.filter_map(representation).collect(),
    }
}

fn representation(downloadable: &Downloadable, is_live: bool) -> Option<Representation> {
    let range = |range: nccp::ByteRange| ByteRange::new(range.first(), range.last());
    let start =
        downloadable.start_range.and_then(range).zip(downloadable.start_time).map(|(range, ticks)| {
            StartSegment { range, time: ticks as f64 / f64::from(downloadable.timescale.max(1)) }
        });
    Some(Representation {
        id: downloadable.id.clone(),
        kind: match downloadable.media_type {
            MediaType::Video => TrackKind::Video,
            MediaType::Audio => TrackKind::Audio,
        },
        bandwidth: match downloadable.peak_bandwidth {
            0 => u64::from(downloadable.bitrate) * 1000,
            peak => peak,
        },
        size: downloadable.resolution.as_ref().map(|size| (size.width, size.height)),
        preferred: downloadable.default,
        layout: match is_live {
            true => Layout::SegmentFiles(SegmentFiles { init: INIT.into(), media: MEDIA.into() }),
            false => Layout::SingleFile(SingleFile {
                size: downloadable.size,
                init: downloadable.init_range.and_then(range)?,
                index: downloadable.index_range.and_then(range)?,
                start,
            }),
        },
        sources: downloadable
            .urls
            .iter()
            .map(|url| Source { cdn: url.cdn_id.to_string(), url: url.url.clone() })
            .collect(),
    })
}
