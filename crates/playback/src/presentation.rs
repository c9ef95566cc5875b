//! From the manifest to what the engine needs of it.

use std::time::Duration;

use engine::model::{
    ByteRange, Cdn, Layout, Presentation, RangeForm, Representation, SingleFile, Source, StartSegment,
    Timeline, TrackKind,
};
use nccp::{Downloadable, Manifest, MediaType};

/// The type for `MediaSource`: `video/mp4; codecs="avc1.64001F"`.
pub fn media_type(downloadable: &Downloadable) -> String {
    format!("{}; codecs=\"{}\"", downloadable.mime_type, downloadable.codecs)
}

/// The film as the engine sees it: what the browser cannot decode, or lacks ranges, is left out.
///
/// `server_now` is Unix time by the server's clock.
pub fn presentation(manifest: &Manifest, server_now: f64, supported: impl Fn(&str) -> bool) -> Presentation {
    let duration = manifest.duration.map_or(0.0, |duration| duration.as_f64());
    let cdns = manifest.cdns.iter().map(|cdn| Cdn {
        id: cdn.id.to_string(),
        ranges: match cdn.ranges {
            nccp::RangeForm::Path => RangeForm::Path,
            _ => RangeForm::Header,
        },
    });
    let playable = manifest.downloadables.iter().filter(|d| supported(&media_type(d)));
    Presentation {
        timeline: Timeline::Fixed { duration },
        start: Some(manifest.resume_position.clamp(0.0, (duration - 1.0).max(0.0))),
        urls_valid: Duration::from_secs_f64((manifest.expiration as f64 - server_now).clamp(1.0, 1e9)),
        cdns: cdns.collect(),
        representations: playable.filter_map(representation).collect(),
    }
}

fn representation(downloadable: &Downloadable) -> Option<Representation> {
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
        layout: Layout::SingleFile(SingleFile {
            size: downloadable.size,
            init: downloadable.init_range.and_then(range)?,
            index: downloadable.index_range.and_then(range)?,
            start,
        }),
        sources: downloadable
            .urls
            .iter()
            .map(|url| Source { cdn: url.cdn_id.to_string(), url: url.url.clone() })
            .collect(),
    })
}
