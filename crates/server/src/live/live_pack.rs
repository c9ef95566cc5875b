//! A session as the catalogue has films: what licenses, DRM metadata and manifests are made of.

use crate::catalogue::{LiveRepresentation, Pack};
use ::live::{Broadcast, Kind};
use license::KeyName;
use nccp::{Level, MediaType, Resolution, Scheme};

/// The session's keys that are declared now, and its representations.
pub(super) fn live_pack(broadcast: &Broadcast, movie: u64, title: &str) -> Option<Pack> {
    let (oldest, latest) = broadcast.span().unwrap_or((0, 0));
    let keys = broadcast.keys().map_or_else(Vec::new, |keys| {
        let name = |period| KeyName {
            kid: keys.kid(period),
            common_key_id: keys.common_key_id.clone(),
            label: keys.label.to_string(),
            period,
        };
        keys.declared(oldest, latest).map(name).collect()
    });
    let representations = broadcast.representations().map(|r| LiveRepresentation {
        id: r.id().to_owned(),
        media_type: if r.source().is_video() { MediaType::Video } else { MediaType::Audio },
        codecs: r.source().codecs.clone(),
        timescale: r.source().timescale,
        bandwidth: r.bandwidth(),
        label: broadcast.keys().map(|keys| keys.label.to_string()).unwrap_or_default(),
        resolution: match r.source().kind {
            Kind::Video { size: (width, height), .. } => Some(Resolution { width, height }),
            Kind::Audio { .. } => None,
        },
    });
    Pack::of_live(
        (super::pack_of(movie), movie, title.to_owned()),
        broadcast.keys().map(|keys| keys.content_id.to_string()).unwrap_or_default(),
        keys,
        match broadcast.keys().map(|keys| keys.scheme) {
            None => Scheme::None,
            Some(cenc::Scheme::Cenc) => Scheme::Cenc,
            Some(cenc::Scheme::Cbcs) => Scheme::Cbcs,
        },
        match broadcast.keys().map(|keys| keys.level) {
            None | Some(cenc::Level::High) => Level::High,
            Some(cenc::Level::Medium) => Level::Medium,
            Some(cenc::Level::Low) => Level::Low,
        },
        representations.collect(),
    )
}
