//! The film's numbers over its picture, for whoever wants to know or has to help.

use gloo::timers::callback::Interval;
use localization::say;
use web_player::{
    player::{DynamicRange, Form, Lease, Statistics},
    stream::{Broken, Way},
};
use yew::prelude::*;

use super::CopyButton;
use crate::spoken;

const EVERY_MS: u32 = 1000;

/// Properties of [`StatisticsView`].
#[derive(Properties, PartialEq)]
pub struct StatisticsViewProps {
    /// Gives the numbers as they are now.
    pub read: Callback<(), Statistics>,
    /// It is to go away.
    pub on_close: Callback<()>,
}

/// A table that is brought up to date once a second, as long as it is there.
#[function_component]
pub fn StatisticsView(props: &StatisticsViewProps) -> Html {
    let shown = use_state_eq(Statistics::default);
    {
        let shown = shown.setter();
        use_effect_with(props.read.clone(), move |read| {
            shown.set(read.emit(()));
            let read = read.clone();
            let timer = Interval::new(EVERY_MS, move || shown.set(read.emit(())));
            move || drop(timer)
        });
    }
    let text = {
        let read = props.read.clone();
        Callback::from(move |()| text(&read.emit(())))
    };
    let onclick = props.on_close.reform(|_: MouseEvent| ());
    html! {
        <section class="statistics" aria-label={say::statistics()}>
            <dl>
                { for lines(&shown).into_iter().map(|(name, value)| html! {
                    <div key={name}><dt>{ name }</dt><dd dir="ltr">{ value }</dd></div>
                }) }
            </dl>
            <div class="actions">
                <CopyButton name={say::copy()} {text} />
                <button type="button" class="button small secondary" {onclick}>{ say::close() }</button>
            </div>
        </section>
    }
}

/// The numbers as lines of text.
pub fn text(of: &Statistics) -> String {
    lines(of).into_iter().map(|(name, value)| format!("{name}: {value}\n")).collect()
}

fn lines(of: &Statistics) -> Vec<(&'static str, String)> {
    let size = |(width, height): (u32, u32)| format!("{width}×{height}");
    let form = |form: &Option<Form>| match form {
        Some(Form { codecs, range: DynamicRange::Sdr, bitrate }) => {
            format!("{codecs}, {}", rate(u64::from(*bitrate)))
        }
        Some(Form { codecs, range, bitrate }) => format!("{codecs}, {range}, {}", rate(u64::from(*bitrate))),
        None => say::stat_none().to_owned(),
    };
    let mut lines = vec![
        (say::stat_position(), spoken::position(of.position)),
        (say::stat_picture(), say::stat_picture_on(&size(of.picture), &size(of.element))),
        (say::stat_video(), form(&of.video)),
        (say::audio(), form(&of.audio)),
        (say::stat_buffer(), format!("{:.1} s", of.buffer)),
        (say::stat_throughput(), of.throughput.map_or_else(|| say::stat_throughput_none().to_owned(), rate)),
    ];
    if let Some((ms, speed)) = of.decrypting.speed() {
        let (ms, speed) = (format!("{ms:.1}"), format!("{speed:.0}"));
        lines.push((say::stat_decrypting(), say::stat_decrypting_speed(&ms, &speed)));
    }
    lines.extend([
        (say::stat_frames(), say::stat_frames_dropped(&of.frames.0.to_string(), &of.frames.1.to_string())),
        (say::stat_stalls(), of.stalls.to_string()),
        (say::stat_switches(), of.switches.to_string()),
        (say::stat_host(), of.host.clone().unwrap_or_else(|| say::stat_none().to_owned())),
        (say::stat_license(), of.license.map_or_else(|| say::stat_none().to_owned(), license)),
    ]);
    if let Some(way) = &of.way {
        lines.push((say::stat_delivery(), delivery(way)));
    }
    if let Some(renewed) = of.license.and_then(|lease| lease.renewed) {
        lines.push((say::stat_lease(), say::stat_lease_renewed(&spoken::runtime(renewed))));
    }
    if let Some((latency, target)) = of.latency {
        lines.push((
            say::stat_latency(),
            say::stat_latency_wanted(&format!("{latency:.1}"), &format!("{target:.1}")),
        ));
    }
    lines
}

fn rate(bits: u64) -> String {
    if bits < 1_000_000 { format!("{} kb/s", bits / 1000) } else { format!("{:.1} Mb/s", bits as f64 / 1e6) }
}

fn delivery(way: &Way) -> String {
    match way {
        Way::Connecting => say::stat_delivery_connecting().to_owned(),
        Way::Stream => say::stat_delivery_stream().to_owned(),
        Way::Ranges(why) => say::stat_delivery_ranges(match why {
            Broken::Closed => say::stat_delivery_closed(),
            Broken::Silent => say::stat_delivery_silent(),
            Broken::Nonsense => say::stat_delivery_nonsense(),
            Broken::Told(_) => why.code().unwrap_or(say::stat_delivery_refused()),
        }),
    }
}

fn license(lease: Lease) -> String {
    match lease.ends {
        None => say::stat_license_endless().to_owned(),
        Some(seconds) if seconds < 0.0 => say::stat_license_over().to_owned(),
        Some(seconds) => say::stat_license_ends(&spoken::runtime(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use web_player::decryptor_proxy::Decrypting;

    #[test]
    fn the_numbers_read_as_text() {
        let form = |codecs: &str, range, bitrate| Form { codecs: codecs.to_owned(), range, bitrate };
        let some = Statistics {
            position: 63.2,
            picture: (1280, 720),
            element: (1920, 1080),
            video: Some(form("avc1.64001F", DynamicRange::Sdr, 2_140_000)),
            audio: Some(form("mp4a.40.2", DynamicRange::Sdr, 128_400)),
            buffer: 23.44,
            throughput: Some(18_230_000),
            decrypting: Decrypting { segments: 12, octets: 9_000_000, ms: 90.0 },
            frames: (2926, 3),
            stalls: 1,
            switches: 2,
            host: Some("cdn1.example".into()),
            license: Some(Lease { ends: Some(11_520.0), renewed: Some(250.0) }),
            latency: Some((5.21, 6.0)),
            way: Some(Way::Stream),
        };
        assert_eq!(
            text(&some),
            "Position: 1:03\nPicture: 1280×720 on 1920×1080\nVideo: avc1.64001F, 2.1 Mb/s\nAudio: mp4a.40.2, 128 kb/s\n\
             Buffer: 23.4 s\nThroughput: 18.2 Mb/s\nDecrypting: 7.5 ms a segment, 100 MB/s\nFrames: 2926, 3 dropped\nInterruptions: 1\nChanges of size: 2\n\
             Media from: cdn1.example\nLicense: ends in 3 h 12 min\nDelivery: persistent connection\nLease: renewed in 4 min\nLatency: 5.2 s, 6.0 s wanted\n"
        );
        let hdr = Statistics { video: Some(form("hvc1.2.4.L120.B0", DynamicRange::Pq, 9_000_000)), ..some };
        assert!(text(&hdr).contains("\nVideo: hvc1.2.4.L120.B0, PQ, 9.0 Mb/s\n"));
        let nothing = text(&Statistics::default());
        let ranges = Statistics { way: Some(Way::Ranges(Broken::Closed)), ..Statistics::default() };
        assert!(text(&ranges).contains("Delivery: ranges (no connection)\n"), "{}", text(&ranges));
        let told = |code: &str| delivery(&Way::Ranges(Broken::Told(code.to_owned())));
        assert_eq!((&*told("TRY_LATER"), &*told("<b>")), ("ranges (TRY_LATER)", "ranges (refused)"));
        assert!(!nothing.contains("Delivery"), "{nothing}");
        for line in ["Video: none\n", "Throughput: not measured\n", "License: none\n"] {
            assert!(nothing.contains(line), "{nothing}");
        }
        assert!(
            !nothing.contains("Latency") && !nothing.contains("Decrypting") && !nothing.contains("Lease"),
            "{nothing}"
        );
        assert_eq!(license(Lease::default()), "without an end");
        assert_eq!(license(Lease { ends: Some(-1.0), renewed: None }), "over");
    }
}
