//! The manifest's XML, both ways. Readers take the study's shorter form too.

use crate::Error;
use crate::manifest::{
    Cdn, DownloadUrl, Downloadable, KeyPeriod, Level, LicenseMode, LiveManifest, Manifest, MediaType,
    MovieType, RangeForm, Reports, Resolution, Scheme, TextTrack, Transport, TrickPlay,
};
use crate::value::{Decimal, Moment, PolicyVersion, Seconds, base64_decode, base64_encode};
use crate::xml::Element;

impl Manifest {
    pub(crate) fn to_element(&self) -> Element {
        let cdns = self.cdns.iter().fold(Element::new("cdns"), |list, cdn| {
            list.child(
                Element::new("cdn")
                    .text_child("id", cdn.id)
                    .text_child("name", &cdn.name)
                    .text_child("weight", cdn.weight)
                    .text_child("ranges", cdn.ranges)
                    .opt_child("cmcd", cdn.cmcd.as_ref()),
            )
        });
        let head = Element::new("authorization")
            .attr("movie_id", self.movie_id)
            .text_child("type", self.movie_type)
            .opt_child("duration", self.duration)
            .text_child("resumeposition", Seconds(self.resume_position))
            .text_child("expiration", self.expiration)
            .child(cdns);
        let head = match &self.live {
            None => head,
            Some(live) => head
                .text_child("availabilitystart", Moment(live.availability_start))
                .text_child("window", Seconds(live.window))
                .text_child("targetlatency", Seconds(live.target_latency))
                .text_child("indexurl", &live.index_url)
                .children(live.other_index_urls.iter().map(other_index_url)),
        };
        self.downloadables
            .iter()
            .fold(head, |list, d| list.child(d.to_element()))
            .children(self.text_tracks.iter().map(TextTrack::to_element))
            .children(self.trick_play.iter().map(TrickPlay::to_element))
            .opt_child("drmmetadata", self.drm_metadata.as_deref().map(base64_encode))
            .opt_child("drmmetadataurl", self.drm_metadata_url.as_ref())
            .opt_child("streamurl", self.stream_url.as_ref())
            .opt_child("transport", self.transport.written())
            .opt_child("licensemode", self.license_mode.written())
            .opt_child("policyversion", self.policy_version.as_ref())
            .children(self.reports.iter().map(Reports::to_element))
    }

    pub(crate) fn read(element: &Element) -> Result<Self, Error> {
        let downloadables =
            element.all("downloadable").map(Downloadable::read).collect::<Result<Vec<_>, _>>()?;
        let cdns = element.first("cdns").map_or(Ok(Vec::new()), |list| {
            list.all("cdn")
                .map(|cdn| {
                    Ok(Cdn {
                        id: cdn.parsed_required("id")?,
                        name: cdn.child_text("name").unwrap_or_default().to_owned(),
                        weight: cdn.parsed("weight")?.unwrap_or(1),
                        ranges: cdn.parsed("ranges")?.unwrap_or(RangeForm::Header),
                        cmcd: cdn.child_text("cmcd").filter(|name| is_name(name)).map(str::to_owned),
                    })
                })
                .collect()
        })?;
        let first_to_end =
            || downloadables.iter().flat_map(|d| &d.urls).map(|u| u.expiration).min().unwrap_or(0);
        Ok(Self {
            movie_id: element.parsed_attribute("movie_id")?,
            movie_type: element.parsed("type")?.unwrap_or(MovieType::Static),
            duration: element.parsed("duration")?,
            resume_position: element.parsed::<Seconds>("resumeposition")?.map_or(0.0, |s| s.0),
            expiration: element.parsed::<Decimal>("expiration")?.map_or_else(first_to_end, |d| d.0),
            cdns,
            live: element.child_text("indexurl").map(|url| LiveManifest::read(element, url)).transpose()?,
            text_tracks: element.all("texttrack").map(TextTrack::read).collect::<Result<_, _>>()?,
            trick_play: element.first("trickplay").map(TrickPlay::read).transpose()?,
            drm_metadata: element
                .child_text("drmmetadata")
                .map(|text| base64_decode(text, "drmmetadata"))
                .transpose()?,
            drm_metadata_url: element
                .child_text("drmmetadataurl")
                .map(|url| url.split_whitespace().collect()),
            stream_url: element.child_text("streamurl").map(|url| url.split_whitespace().collect()),
            transport: Transport::of(element.child_text("transport")),
            license_mode: LicenseMode::of(element.child_text("licensemode")),
            policy_version: element.parsed::<PolicyVersion>("policyversion")?.map(|version| version.0),
            reports: element.first("reports").and_then(Reports::read),
            downloadables,
        })
    }
}

/// Whether a CDN can be told of a film by that name. One that cannot be is as none: it is no reason not to
/// play.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

impl Reports {
    fn to_element(&self) -> Element {
        Element::with_text("reports", &self.url)
            .attr("content", &self.content)
            .attr("downloads", self.downloads)
    }

    /// Without an address or a name there are none: it is no reason not to play.
    fn read(element: &Element) -> Option<Self> {
        let url: String = element.trimmed().split_whitespace().collect();
        let content = element.attribute("content").filter(|name| is_name(name))?.to_owned();
        let is_url = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        is_url.then(|| Self { url, content, downloads: element.attribute("downloads") == Some("true") })
    }
}

/// The index at a CDN that is not the first.
fn other_index_url((cdn, url): &(u32, String)) -> Element {
    Element::with_text("indexurl", url).attr("cdnid", cdn)
}

impl LiveManifest {
    fn read(element: &Element, url: &str) -> Result<Self, Error> {
        let seconds = |name| element.parsed_required::<Seconds>(name).map(|seconds| seconds.0);
        Ok(Self {
            availability_start: element.parsed_required::<Moment>("availabilitystart")?.0,
            window: seconds("window")?,
            target_latency: seconds("targetlatency")?,
            index_url: url.split_whitespace().collect(),
            other_index_urls: element
                .all("indexurl")
                .skip(1)
                .map(|other| {
                    let cdn = other.parsed_attribute("cdnid")?;
                    Ok::<(u32, String), Error>((cdn, other.trimmed().split_whitespace().collect()))
                })
                .collect::<Result<_, Error>>()?,
        })
    }
}

impl Downloadable {
    fn to_element(&self) -> Element {
        let mut out = Element::new("downloadable")
            .text_child("downloadableid", &self.id)
            .text_child("size", self.size)
            .text_child("bitrate", self.bitrate)
            .text_child("contentprofile", &self.content_profile)
            .child(urls_element(&self.urls));
        if let Some(Resolution { width, height }) = self.resolution {
            out =
                out.child(Element::new("resolution").text_child("width", width).text_child("height", height));
        }
        out = out
            .text_child("mediatype", self.media_type)
            .text_child("mimetype", &self.mime_type)
            .text_child("codecs", &self.codecs)
            .text_child("group", &self.group)
            .text_child("peakbandwidth", self.peak_bandwidth)
            .text_child("timescale", self.timescale)
            .opt_child("framerate", self.frame_rate)
            .opt_child("sar", self.sar.as_ref())
            .opt_child("videorange", self.video_range.as_ref())
            .opt_child("samplerate", self.sample_rate)
            .opt_child("channels", self.channels)
            .opt_child("language", self.language.as_ref())
            .opt_child("role", self.role.as_ref())
            .opt_child("label", self.label.as_ref())
            .text_child("default", self.default)
            .text_child("scheme", self.scheme)
            .text_child("level", self.level)
            .text_child("pack_id", &self.pack_id)
            .opt_child("initrange", self.init_range)
            .opt_child("indexrange", self.index_range)
            .opt_child("startrange", self.start_range)
            .opt_child("starttime", self.start_time)
            .opt_child("maxsegment", self.max_segment);
        for key in &self.keys {
            out = out
                .child(Element::new("key").text_child("kid", hex(&key.kid)).text_child("start", key.start));
        }
        out
    }

    fn read(element: &Element) -> Result<Self, Error> {
        let text = |name| element.child_text(name).map(str::to_owned);
        let resolution = element
            .first("resolution")
            .map(|r| {
                Ok(Resolution { width: r.parsed_required("width")?, height: r.parsed_required("height")? })
            })
            .transpose()?;
        let guess = if resolution.is_some() { MediaType::Video } else { MediaType::Audio };
        let media_type = element.parsed("mediatype")?.unwrap_or(guess);
        let bitrate = element.parsed_required("bitrate")?;
        Ok(Self {
            id: element.required_text("downloadableid")?.to_owned(),
            size: element.parsed_required::<Decimal>("size")?.0,
            bitrate,
            content_profile: element.parsed_required("contentprofile")?,
            urls: urls(element)?,
            resolution,
            media_type,
            mime_type: text("mimetype").unwrap_or_else(|| format!("{media_type}/mp4")),
            codecs: text("codecs").unwrap_or_default(),
            group: text("group").unwrap_or_else(|| media_type.to_string()),
            peak_bandwidth: element
                .parsed::<Decimal>("peakbandwidth")?
                .map_or(u64::from(bitrate) * 1000, |d| d.0),
            timescale: element.parsed("timescale")?.unwrap_or(0),
            frame_rate: element.parsed("framerate")?,
            sar: text("sar"),
            video_range: text("videorange"),
            sample_rate: element.parsed("samplerate")?,
            channels: element.parsed("channels")?,
            language: text("language"),
            role: text("role"),
            label: text("label"),
            default: element.child_text("default") == Some("true"),
            scheme: element.parsed("scheme")?.unwrap_or(Scheme::None),
            level: element.parsed("level")?.unwrap_or(Level::High),
            pack_id: text("pack_id").unwrap_or_default(),
            init_range: element.parsed("initrange")?,
            index_range: element.parsed("indexrange")?,
            start_range: element.parsed("startrange")?,
            start_time: element.parsed::<Decimal>("starttime")?.map(|d| d.0),
            max_segment: element.parsed::<Decimal>("maxsegment")?.map(|d| d.0),
            keys: element
                .all("key")
                .map(|key| {
                    Ok(KeyPeriod {
                        kid: unhex(key.required_text("kid")?)?,
                        start: key.parsed::<Decimal>("start")?.map_or(0, |d| d.0),
                    })
                })
                .collect::<Result<_, Error>>()?,
        })
    }
}

impl TextTrack {
    fn to_element(&self) -> Element {
        Element::new("texttrack")
            .text_child("id", &self.id)
            .text_child("language", &self.language)
            .text_child("role", &self.role)
            .opt_child("label", self.label.as_ref())
            .text_child("default", self.default)
            .text_child("mimetype", "text/vtt")
            .text_child("size", self.size)
            .child(urls_element(&self.urls))
    }

    fn read(element: &Element) -> Result<Self, Error> {
        let text = |name| element.child_text(name).map(str::to_owned);
        Ok(Self {
            id: element.required_text("id")?.to_owned(),
            language: text("language").unwrap_or_else(|| "und".to_owned()),
            role: text("role").unwrap_or_else(|| "subtitle".to_owned()),
            label: text("label"),
            default: element.child_text("default") == Some("true"),
            size: element.parsed_required::<Decimal>("size")?.0,
            urls: urls(element)?,
        })
    }
}

impl TrickPlay {
    fn to_element(&self) -> Element {
        let out = Element::new("trickplay")
            .text_child("interval", self.interval)
            .text_child("width", self.resolution.width)
            .text_child("height", self.resolution.height)
            .text_child("count", self.count)
            .text_child("mimetype", "image/vnd.roku.bif")
            .text_child("size", self.size)
            .child(urls_element(&self.urls));
        if self.sheets.is_empty() {
            return out;
        }
        let sheets = Element::new("sheets").text_child("columns", self.columns).text_child("rows", self.rows);
        let sheet = |urls: &Vec<DownloadUrl>| Element::new("sheet").child(urls_element(urls));
        out.child(sheets.children(self.sheets.iter().map(sheet)))
    }

    fn read(element: &Element) -> Result<Self, Error> {
        let sheets = element.first("sheets");
        let number = |name| sheets.map_or(Ok(0), |sheets| sheets.parsed_required(name));
        Ok(Self {
            interval: element.parsed_required("interval")?,
            resolution: Resolution {
                width: element.parsed_required("width")?,
                height: element.parsed_required("height")?,
            },
            count: element.parsed_required("count")?,
            size: element.parsed_required::<Decimal>("size")?.0,
            urls: urls(element)?,
            columns: number("columns")?,
            rows: number("rows")?,
            sheets: match sheets {
                Some(sheets) => sheets.all("sheet").map(urls).collect::<Result<_, _>>()?,
                None => Vec::new(),
            },
        })
    }
}

fn urls_element(urls: &[DownloadUrl]) -> Element {
    urls.iter().fold(Element::new("downloadurls"), |list, url| {
        list.child(
            Element::new("downloadurl")
                .text_child("expiration", url.expiration)
                .text_child("cdnid", url.cdn_id)
                .text_child("url", &url.url),
        )
    })
}

fn urls(element: &Element) -> Result<Vec<DownloadUrl>, Error> {
    let Some(list) = element.first("downloadurls") else { return Err(Error::Missing("downloadurls")) };
    list.all("downloadurl")
        .map(|url| {
            Ok(DownloadUrl {
                expiration: url.parsed_required::<Decimal>("expiration")?.0,
                cdn_id: url.parsed_required("cdnid")?,
                // A URL holds no white space; a document that was wrapped, as the study's, may have put some
                // in.
                url: url.required_text("url")?.split_whitespace().collect(),
            })
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Result<[u8; 16], Error> {
    let mut out = [0; 16];
    if text.len() != 32 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Error::Value("kid"));
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let pair = std::str::from_utf8(pair).map_err(|_| Error::Value("kid"))?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| Error::Value("kid"))?;
    }
    Ok(out)
}
