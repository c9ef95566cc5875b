//! The film's numbers over its picture, for whoever wants to know or has to help.

use gloo::timers::callback::Interval;
use web_player::player::{DynamicRange, Form, Lease, Statistics};
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
        <section class="statistics" aria-label="Statistics">
            <dl>
                { for lines(&shown).into_iter().map(|(name, value)| html! {
                    <div key={name}><dt>{ name }</dt><dd dir="ltr">{ value }</dd></div>
                }) }
            </dl>
            <div class="actions">
                <CopyButton name="Copy" {text} />
                <button type="button" class="button small secondary" {onclick}>{ "Close" }</button>
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
        None => "none".to_owned(),
    };
    let mut lines = vec![
        ("Position", spoken::position(of.position)),
        ("Picture", format!("{} on {}", size(of.picture), size(of.element))),
        ("Video", form(&of.video)),
        ("Audio", form(&of.audio)),
        ("Buffer", format!("{:.1} s", of.buffer)),
        ("Throughput", of.throughput.map_or_else(|| "not measured".to_owned(), rate)),
        ("Frames", format!("{}, {} dropped", of.frames.0, of.frames.1)),
        ("Interruptions", of.stalls.to_string()),
        ("Changes of size", of.switches.to_string()),
        ("Media from", of.host.clone().unwrap_or_else(|| "none".to_owned())),
        ("License", of.license.map_or_else(|| "none".to_owned(), license)),
    ];
    if let Some(renewed) = of.license.and_then(|lease| lease.renewed) {
        lines.push(("Lease", format!("renewed in {}", spoken::runtime(renewed))));
    }
    if let Some((latency, target)) = of.latency {
        lines.push(("Latency", format!("{latency:.1} s, {target:.1} s wanted")));
    }
    lines
}

fn rate(bits: u64) -> String {
    if bits < 1_000_000 { format!("{} kb/s", bits / 1000) } else { format!("{:.1} Mb/s", bits as f64 / 1e6) }
}

fn license(lease: Lease) -> String {
    match lease.ends {
        None => "without an end".to_owned(),
        Some(seconds) if seconds < 0.0 => "over".to_owned(),
        Some(seconds) => format!("ends in {}", spoken::runtime(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            frames: (2926, 3),
            stalls: 1,
            switches: 2,
            host: Some("cdn1.example".into()),
            license: Some(Lease { ends: Some(11_520.0), renewed: Some(250.0) }),
            latency: Some((5.21, 6.0)),
        };
        assert_eq!(
            text(&some),
            "Position: 1:03\nPicture: 1280×720 on 1920×1080\nVideo: avc1.64001F, 2.1 Mb/s\nAudio: mp4a.40.2, 128 kb/s\n\
             Buffer: 23.4 s\nThroughput: 18.2 Mb/s\nFrames: 2926, 3 dropped\nInterruptions: 1\nChanges of size: 2\n\
             Media from: cdn1.example\nLicense: ends in 3 h 12 min\nLease: renewed in 4 min\nLatency: 5.2 s, 6.0 s wanted\n"
        );
        let hdr = Statistics { video: Some(form("hvc1.2.4.L120.B0", DynamicRange::Pq, 9_000_000)), ..some };
        assert!(text(&hdr).contains("\nVideo: hvc1.2.4.L120.B0, PQ, 9.0 Mb/s\n"));
        let nothing = text(&Statistics::default());
        for line in ["Video: none\n", "Throughput: not measured\n", "License: none\n"] {
            assert!(nothing.contains(line), "{nothing}");
        }
        assert!(!nothing.contains("Latency") && !nothing.contains("Lease"), "{nothing}");
        assert_eq!(license(Lease::default()), "without an end");
        assert_eq!(license(Lease { ends: Some(-1.0), renewed: None }), "over");
    }
}
