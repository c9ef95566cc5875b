//! The manifest, for those who may play.

use super::cdns::{self, Cdn};
use super::drm_metadata::SignedMetadata;
use super::speaker::Speaker;
use super::{Outcome, drm_metadata, grants, leases, networks, playable, rules, streaming, too_high};
use crate::Service;
use crate::catalogue::{Pack, Representation};
use crate::live::Session;
use crate::live_url;
use crate::media_url::{self, DrmPath, MediaPath};
use crate::region::Place;
use crate::secret::sha256;
use crate::store::{Movie, Transaction};
use license::KeyLevel;
use nccp::{
    ContentProfile, DownloadUrl, Downloadable, KeyPeriod, LicenseMode, LiveManifest, Manifest, MovieId,
    MovieType, Resolution, ResponseMessage, TextTrack, TrickPlay,
};
use pack::layout;
use urltoken::Signer;

/// Seconds that media URLs outlive the film, where nothing else is configured.
pub(super) const BEYOND_THE_FILM: u64 = 6 * 3600;

/// `authorization`: A43, A59 to A70.
pub(crate) async fn authorize(
    service: &Service,
    tx: &mut dyn Transaction,
    speaker: &Speaker,
    movie_id: MovieId,
    place: &Place,
    now: u64,
) -> Outcome<ResponseMessage> {
    grants::check(speaker, movie_id)?;
    networks::check(service, speaker)?;
    let (account, level) = (&speaker.account, speaker.device.level);
    let (movie, pack) = playable::playable(service, tx, account, movie_id, place).await?;
    // The same CDN each time, as far as its weight lasts: what the device watches is in that one's cache.
    let seed = cdns::seed_of(&speaker.device.id);
    if let Some(session) = service.live.session_of(&movie) {
        let highest = service.config.max_height_of(&account.plan);
        let manifest = live_manifest(service, (&movie, &pack), (movie_id, highest), &session, (seed, now))?;
        return Ok(ResponseMessage::Authorization(Box::new(manifest)));
    }
    let latest = tx.viewings(account.id, movie.id, 1).await?;
    let resume = latest.first().map_or(0.0, |viewing| viewing.resume());
    let allowed = (level, service.config.max_height_of(&account.plan));
    let manifest = manifest(service, (&movie, &pack), movie_id, allowed, resume, (seed, now))?;
    // Its license comes along, so its lease has to.
    if manifest.license_mode == LicenseMode::Embedded {
        leases::take(service, tx, speaker, movie.id, now).await?;
    }
    Ok(ResponseMessage::Authorization(Box::new(manifest)))
}

fn manifest(
    service: &Service,
    (movie, pack): (&Movie, &Pack),
    movie_id: MovieId,
    (level, highest): (KeyLevel, Option<u32>),
    resume: f64,
    (seed, now): (u64, u64),
) -> Outcome<Manifest> {
    let default_life = pack.duration.as_f64().ceil() as u64 + BEYOND_THE_FILM;
    let life = service.config.edge.url_life.unwrap_or(default_life);
    let wanted = media_url::expiration(now, life);
    let tokens = service.url_tokens();
    let cdns = cdns::ordered(&service.config, &tokens, seed);
    let sources = Sources { pack, cdns: &cdns, expires: wanted, now };
    let metadata = drm_metadata::make_up_to(service, movie, pack, highest, now)?;
    let metadata_url = || {
        let path = DrmPath::of_movie(movie.id);
        media_url::sign_drm(tokens.own(), service.config.drm_base(), &path, wanted, now)
    };
    // What is there is for every account.
    let is_for_all = |signed: &&SignedMetadata| highest.is_none() || signed.domain.is_some();
    let metadata_url = metadata.as_ref().filter(is_for_all).map(|_| metadata_url());
    let serves = metadata.as_ref().is_some_and(|signed| signed.serves(level));
    // By the rules of the license that the device is going to have: the one that comes along, or the one that
    // it would be given now.
    let max_height = match &metadata {
        Some(signed) if serves => signed.max_height,
        _ => service
            .policies()
            .find(rules::policy_of(service, movie))
            .and_then(|policy| policy.max_height.of(level)),
    };
    let max_height = max_height.into_iter().chain(highest).min();
    // The first of all ends: some CDNs take tokens for less long than others.
    let ends = cdns.iter().map(|cdn| cdn.signer.expiration(wanted, now));
    let expiration = ends.chain(metadata_url.as_ref().map(|url| url.expires)).fold(wanted, u64::min);
    if !pack.has_picture(max_height) {
        return Err(too_high().into());
    }
    // Whoever has that URL may ask for every picture of the film.
    let stream_url = match pack.up_to(highest).count() == pack.representations.len() {
        true => streaming::url(service, movie, wanted),
        false => None,
    };
    Ok(Manifest {
        movie_id,
        movie_type: MovieType::Static,
        duration: Some(pack.duration),
        resume_position: resume,
        expiration,
        downloadables: pack.up_to(max_height).map(|r| downloadable(&sources, r, resume)).collect(),
        text_tracks: pack
            .subtitles
            .iter()
            .map(|subtitle| TextTrack {
                id: subtitle.id.clone(),
                language: subtitle.language.clone(),
                role: subtitle.role.to_string(),
                label: subtitle.label.clone(),
                default: subtitle.default,
                size: subtitle.file.size,
                urls: sources.of(&subtitle.file.path),
            })
            .collect(),
        trick_play: pack.thumbnails.as_ref().map(|thumbnails| TrickPlay {
            interval: thumbnails.interval,
            resolution: Resolution { width: thumbnails.width, height: thumbnails.height },
            count: thumbnails.count,
            size: thumbnails.bif.size,
            urls: sources.of(&thumbnails.bif.path),
            columns: thumbnails.columns,
            rows: thumbnails.rows,
            sheets: thumbnails.sheets.iter().map(|sheet| sources.of(&sheet.path)).collect(),
        }),
        drm_metadata_url: metadata_url.map(|signed| signed.url),
        transport: stream_url
            .as_ref()
            .map_or(nccp::Transport::Ranges, |_| service.config.stream.transport.into()),
        stream_url,
        license_mode: if serves { LicenseMode::Embedded } else { LicenseMode::Server },
        policy_version: metadata.as_ref().and_then(|signed| signed.policy_version.clone()).filter(|_| serves),
        drm_metadata: metadata.map(|signed| signed.octets),
        cdns: told(&cdns, pack),
        live: None,
        reports: reports(service, pack),
    })
}

/// What CDNs and reports call a film: the same for all who watch it. A clear one has no content id.
fn name_of(pack: &Pack) -> String {
    let content = if pack.content_id.is_empty() { &pack.name } else { &pack.content_id };
    let hash = hex::encode(sha256(content.as_bytes()));
    hash.get(..32).unwrap_or_default().to_owned()
}

/// Where players are to report how it goes, if the operator wants to know.
fn reports(service: &Service, pack: &Pack) -> Option<nccp::Reports> {
    let config = &service.config;
    let url = config.cmcd.target(&config.public_url)?;
    Some(nccp::Reports { url, content: name_of(pack), downloads: config.cmcd.downloads })
}

/// As manifests tell them.
fn told(cdns: &[Cdn<'_>], pack: &Pack) -> Vec<nccp::Cdn> {
    let name = name_of(pack);
    let told = |cdn: &Cdn<'_>| nccp::Cdn {
        id: cdn.id,
        name: cdn.name.to_owned(),
        weight: cdn.weight,
        ranges: cdn.ranges,
        cmcd: cdn.cmcd.then(|| name.clone()),
    };
    cdns.iter().map(told).collect()
}

/// So many parts players stay behind what is live, as in LL-HLS (draft-pantos-hls-rfc8216bis,
/// `PART-HOLD-BACK`).
const HOLD_BACK: i64 = 3;

/// The manifest of an event that is live. Its index is everybody's and lists all pictures: a greatest height
/// keeps back only a license that was to come along with keys of higher ones.
fn live_manifest(
    service: &Service,
    (movie, pack): (&Movie, &Pack),
    (movie_id, highest): (MovieId, Option<u32>),
    session: &Session,
    (seed, now): (u64, u64),
) -> Outcome<Manifest> {
    let expiration = media_url::expiration(now, service.config.edge.url_life.unwrap_or(BEYOND_THE_FILM));
    let (app, event) = (session.event.app.as_str(), session.event.name.as_str());
    let tokens = service.url_tokens();
    let url = |signer: &Signer, base: &str, name: &str| {
        let token = live_url::sign(signer, base, (app, event), expiration, now);
        format!("{base}/s/live/{app}/{event}/{}/{name}?{token}", session.id().short())
    };
    let (runs, (_, part, window)) = session.read(|b| (b.runs().to_vec(), b.lengths()));
    let seconds = |micros: i64| micros as f64 / 1e6;
    // The latest run's clock: what is live now is live by it.
    let begun = runs.iter().rev().find_map(|run| Some(run.wall? as f64 / 1e3 - seconds(run.start)));
    let metadata = drm_metadata::make_up_to(service, movie, pack, highest, now)?;
    let mut cdns = cdns::ordered(&service.config, &tokens, seed);
    // A network whose tokens are for one file each cannot carry live events.
    cdns.retain(|cdn| !live_url::sign(cdn.signer, cdn.base_url, (app, event), expiration, now).is_empty());
    let own = (tokens.own(), service.config.edge_base());
    let (signer, base) = cdns.first().map_or(own, |cdn| (cdn.signer, cdn.base_url));
    let other = |cdn: &Cdn<'_>| (cdn.id, url(cdn.signer, cdn.base_url, "index.json"));
    Ok(Manifest {
        movie_id,
        movie_type: MovieType::Dynamic,
        duration: None,
        resume_position: 0.0,
        expiration,
        live: Some(LiveManifest {
            availability_start: begun.unwrap_or(now as f64),
            window: seconds(window),
            target_latency: seconds(part.saturating_mul(HOLD_BACK)),
            index_url: url(signer, base, "index.json"),
            other_index_urls: cdns.iter().skip(1).map(other).collect(),
        }),
        downloadables: Vec::new(),
        text_tracks: Vec::new(),
        trick_play: None,
        drm_metadata_url: metadata.as_ref().map(|_| url(tokens.own(), service.config.drm_base(), "drm")),
        stream_url: None,
        transport: nccp::Transport::Ranges,
        license_mode: LicenseMode::Server,
        policy_version: None,
        drm_metadata: metadata.map(|signed| signed.octets),
        cdns: told(&cdns, pack),
        reports: reports(service, pack),
    })
}

/// From where the files of a pack come.
struct Sources<'a> {
    pack: &'a Pack,
    cdns: &'a [Cdn<'a>],
    /// When their URLs are to end.
    expires: u64,
    now: u64,
}

impl Sources<'_> {
    /// The addresses of a file of the pack, one at each CDN.
    fn of(&self, file: &str) -> Vec<DownloadUrl> {
        let path = MediaPath { pack: self.pack.place.clone(), file: file.to_owned(), range: None };
        let url = |cdn: &Cdn<'_>| {
            let signed = media_url::sign(cdn.signer, cdn.base_url, &path, self.expires, self.now);
            DownloadUrl { expiration: signed.expires, cdn_id: cdn.id, url: signed.url }
        };
        self.cdns.iter().map(url).collect()
    }
}

fn downloadable(sources: &Sources<'_>, r: &Representation, resume: f64) -> Downloadable {
    let pack = sources.pack;
    let path = layout::media_path(&r.downloadable_id, &r.extension);
    let start = r.segment_at(resume);
    Downloadable {
        id: r.downloadable_id.clone(),
        size: r.size,
        bitrate: r.bitrate,
        content_profile: ContentProfile::of(&r.codecs, pack.scheme),
        urls: sources.of(&path),
        resolution: r.resolution,
        media_type: r.media_type,
        mime_type: r.mime_type.clone(),
        codecs: r.codecs.clone(),
        group: r.group.clone(),
        peak_bandwidth: r.peak_bandwidth,
        timescale: r.timescale,
        frame_rate: r.frame_rate,
        sar: r.sar.clone(),
        video_range: r.video_range.clone(),
        sample_rate: r.sample_rate,
        channels: r.channels,
        language: r.language.clone(),
        role: r.role.clone(),
        label: r.name.clone(),
        default: r.default,
        scheme: pack.scheme,
        level: pack.level,
        pack_id: pack.id.clone(),
        init_range: Some(r.init_range),
        index_range: Some(r.index_range),
        start_range: start.map(|segment| segment.range),
        start_time: start.map(|segment| segment.start),
        max_segment: r.segments.iter().map(|segment| segment.range.length()).max(),
        keys: pack.key_periods(r).map(|(key, start)| KeyPeriod { kid: key.kid.0, start }).collect(),
    }
}
