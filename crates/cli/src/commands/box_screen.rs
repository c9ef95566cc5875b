//! What a box shows: in a terminal, as plain lines, or as JSON.

use super::qr_code;
use crate::output;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tv_box::{Notice, Reason, Screen, Wish};

/// Letters of codes, five rows of five, the left one in the highest bit.
const GLYPHS: [(char, [u8; 5]); 32] = [
    ('A', [0b01110, 0b10001, 0b11111, 0b10001, 0b10001]),
    ('B', [0b11110, 0b10001, 0b11110, 0b10001, 0b11110]),
    ('C', [0b01111, 0b10000, 0b10000, 0b10000, 0b01111]),
    ('D', [0b11110, 0b10001, 0b10001, 0b10001, 0b11110]),
    ('E', [0b11111, 0b10000, 0b11110, 0b10000, 0b11111]),
    ('F', [0b11111, 0b10000, 0b11110, 0b10000, 0b10000]),
    ('G', [0b01111, 0b10000, 0b10011, 0b10001, 0b01111]),
    ('H', [0b10001, 0b10001, 0b11111, 0b10001, 0b10001]),
    ('J', [0b00111, 0b00010, 0b00010, 0b10010, 0b01100]),
    ('K', [0b10010, 0b10100, 0b11000, 0b10100, 0b10010]),
    ('L', [0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
    ('M', [0b10001, 0b11011, 0b10101, 0b10001, 0b10001]),
    ('N', [0b10001, 0b11001, 0b10101, 0b10011, 0b10001]),
    ('P', [0b11110, 0b10001, 0b11110, 0b10000, 0b10000]),
    ('Q', [0b01110, 0b10001, 0b10101, 0b10010, 0b01101]),
    ('R', [0b11110, 0b10001, 0b11110, 0b10010, 0b10001]),
    ('S', [0b01111, 0b10000, 0b01110, 0b00001, 0b11110]),
    ('T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100]),
    ('U', [0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    ('V', [0b10001, 0b10001, 0b10001, 0b01010, 0b00100]),
    ('W', [0b10001, 0b10001, 0b10101, 0b11011, 0b10001]),
    ('X', [0b10001, 0b01010, 0b00100, 0b01010, 0b10001]),
    ('Y', [0b10001, 0b01010, 0b00100, 0b00100, 0b00100]),
    ('Z', [0b11111, 0b00010, 0b00100, 0b01000, 0b11111]),
    ('2', [0b11110, 0b00001, 0b01110, 0b10000, 0b11111]),
    ('3', [0b11110, 0b00001, 0b00110, 0b00001, 0b11110]),
    ('4', [0b10010, 0b10010, 0b11111, 0b00010, 0b00010]),
    ('5', [0b11111, 0b10000, 0b11110, 0b00001, 0b11110]),
    ('6', [0b01110, 0b10000, 0b11110, 0b10001, 0b01110]),
    ('7', [0b11111, 0b00001, 0b00010, 0b00100, 0b00100]),
    ('8', [0b01110, 0b10001, 0b01110, 0b10001, 0b01110]),
    ('9', [0b01110, 0b10001, 0b01111, 0b00001, 0b01110]),
];

/// Why nothing can be shown any more.
#[derive(Clone, Default)]
pub(crate) struct Closed(Arc<Mutex<Option<io::Error>>>);

impl Closed {
    pub(crate) fn take(&self) -> Option<io::Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, error: io::Error) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }
}

enum Form {
    Json,
    Plain,
    Terminal(ProgressBar),
}

struct Lines {
    form: Form,
    /// A box that nobody listens to any more ends.
    stop: mpsc::Sender<Wish>,
    closed: Closed,
}

/// The screen for standard output as it is.
pub(crate) fn open(json: bool, stop: mpsc::Sender<Wish>, closed: Closed) -> Box<dyn Screen> {
    let form = if json {
        Form::Json
    } else if io::stdout().is_terminal() && io::stderr().is_terminal() && !is_dumb() {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{wide_bar}] {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Form::Terminal(bar)
    } else {
        Form::Plain
    };
    Box::new(Lines { form, stop, closed })
}

/// The terminal says that it knows letters and nothing else.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name == "dumb")
}

impl Screen for Lines {
    fn show(&mut self, notice: &Notice) {
        let written = match &self.form {
            Form::Json => match serde_json::to_string(notice) {
                Ok(line) => write_line(&line),
                Err(error) => Err(error.into()),
            },
            Form::Plain => words(notice, false).map_or(Ok(()), |text| write_line(&text)),
            Form::Terminal(bar) => {
                show_position(bar, notice);
                match words(notice, true) {
                    Some(text) => bar.suspend(|| write_line(&text)),
                    None => Ok(()),
                }
            }
        };
        if let Err(error) = written {
            self.closed.set(error);
            // When it is full, the box has been told enough.
            let _ = self.stop.try_send(Wish::Stop);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        if let Form::Terminal(bar) = &self.form {
            bar.finish_and_clear();
        }
    }
}

fn write_line(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

fn show_position(bar: &ProgressBar, notice: &Notice) {
    match notice {
        Notice::Playing { duration, .. } => {
            bar.reset();
            bar.set_length(*duration as u64);
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        Notice::Position { position, duration, buffered, height, paused } => {
            bar.set_position(*position as u64);
            bar.set_prefix(format!("{} / {}", spoken(*position), spoken(*duration)));
            let picture = height.map(|lines| format!("{lines}p, ")).unwrap_or_default();
            let ahead = format!("{:.0} s ahead", (buffered - position).max(0.0));
            bar.set_message(format!("{picture}{ahead}{}", if *paused { ", paused" } else { "" }));
        }
        Notice::Ended { .. } => bar.set_draw_target(ProgressDrawTarget::hidden()),
        _ => {}
    }
}

/// `1:02:03` or `2:03`.
fn spoken(seconds: f64) -> String {
    let whole = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A code in letters five lines high.
fn large(code: &str) -> String {
    let glyph = |letter: char| GLYPHS.iter().find(|(of, _)| *of == letter).map(|(_, rows)| rows);
    let row = |row: usize| {
        let letters = code.chars().filter_map(glyph).map(|rows| {
            let dots = (0..5).rev().map(|bit| if rows[row] >> bit & 1 == 1 { "██" } else { "  " });
            dots.collect::<String>()
        });
        format!("  {}", letters.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    (0..5).map(row).collect::<Vec<_>>().join("\n")
}

/// A notice in words; what only moves the bar has none.
fn words(notice: &Notice, terminal: bool) -> Option<String> {
    Some(match notice {
        Notice::Starting { name, site } => format!("{name}, a box of {site}"),
        Notice::StateLost => {
            "What this box had stored is damaged or belongs to another box: it starts afresh".to_owned()
        }
        Notice::Code { code, url, link, expires, seconds } => {
            let until = format!("good until {} UTC, {} min", output::time(*expires), seconds.div_ceil(60));
            let large = large(code);
            match qr_code::drawn(link).filter(|_| terminal) {
                Some(drawn) => format!(
                    "\nScan this, or open {link}:\n\n{drawn}\n\n\
                     Or sign in at {url} and type in this code:\n\n{large}\n\n  {code}   {until}\n"
                ),
                None if terminal => format!(
                    "\nOpen {link}, or sign in at {url} and type in this code:\n\n{large}\n\n  {code}   {until}\n"
                ),
                None => format!("Code: {code}   enter it at {url}, or open {link}, {until}"),
            }
        }
        Notice::LimitReached { url } => {
            format!("Device Limit Reached: remove a device at {url}, and this box continues by itself")
        }
        Notice::Activated { device_id } => format!("Activated as {device_id}"),
        Notice::Deactivated => "This box no longer belongs to an account".to_owned(),
        Notice::Account { name, plan, device, devices, limit } => {
            let [name, plan, device] = [name, plan, device].map(|text| plain(text));
            format!("Account {name}, plan {plan}; {device} is one of {devices} devices, of {limit}")
        }
        Notice::Queue { movies } if movies.is_empty() => {
            "The list is empty: put films on it in the library".to_owned()
        }
        Notice::Queue { movies } => {
            let line = |(number, movie): (usize, &tv_box::Listed)| {
                let year = movie.year.map(|year| format!(" ({year})")).unwrap_or_default();
                let resume = match movie.position {
                    position if position > 0.0 => format!(", from {}", spoken(position)),
                    _ => String::new(),
                };
                let title = plain(&movie.title);
                format!("  {}. {title}{year}, {}{resume}", number + 1, spoken(movie.runtime))
            };
            let lines: Vec<_> = movies.iter().enumerate().map(line).collect();
            format!("On the list:\n{}", lines.join("\n"))
        }
        Notice::Playing { title, duration, position, sink, .. } => {
            let place = if *position > 0.0 { format!(" from {}", spoken(*position)) } else { String::new() };
            format!("Playing \"{}\", {}{place}, to {sink}", plain(title), spoken(*duration))
        }
        Notice::Logged { reason, position, .. } if !terminal => {
            format!("Reported {} ({reason})", spoken(*position))
        }
        Notice::Ended { reason, position, stalls, switches, tracks, .. } => {
            let how = match reason {
                Reason::Finished => "Played to the end",
                Reason::Stopped => "Left",
                Reason::Failed => "Broken off",
            };
            let of_track = |track: &tv_box::Delivered| {
                let megabytes = track.bytes as f64 / 1e6;
                let (name, fragments, samples) = (track.track, track.fragments, track.samples);
                format!("; {name}: {fragments} fragments, {samples} samples, {megabytes:.1} MB")
            };
            let tracks: String = tracks.iter().map(of_track).collect();
            format!("{how} at {}{tracks}; {stalls} stalls, {switches} switches", spoken(*position))
        }
        Notice::Trouble(trouble) => match trouble.retry {
            Some(seconds) => format!("{}; trying again in {seconds} s", plain(&trouble.message)),
            None => plain(&trouble.message),
        },
        Notice::Stopping => "Stopped".to_owned(),
        _ => return None,
    })
}

/// What others wrote, without what a terminal would obey.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every letter that a code can have has a form of its own.
    #[test]
    fn a112_codes_are_shown_large() {
        let alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let forms: std::collections::HashSet<String> =
            alphabet.chars().map(|letter| large(&letter.to_string())).collect();
        assert_eq!(forms.len(), 32);
        let rows = large("K7QX2M");
        assert_eq!(rows.lines().count(), 5);
        assert!(rows.lines().all(|row| row.chars().count() <= 80 && row.contains('█')), "\n{rows}");
        let link = "http://localhost/activate?code=K7QX2M";
        let notice = Notice::Code {
            code: "K7QX2M".into(),
            url: "http://localhost/activate".into(),
            link: link.into(),
            expires: 1_790_000_600,
            seconds: 599,
        };
        let shown = words(&notice, true).unwrap();
        assert!(shown.contains(&rows) && shown.contains("at http://localhost/activate and"));
        assert!(shown.contains(&format!("open {link}:")) && shown.contains(&qr_code::drawn(link).unwrap()));
        assert!(shown.contains("K7QX2M   good until 2026-09-21 14:23 UTC, 10 min"), "{shown}");
        // Where nothing can be drawn, one line has it all.
        let line = words(&notice, false).unwrap();
        assert!(line.starts_with("Code: K7QX2M ") && line.contains(&format!("or open {link}, ")), "{line}");
        assert!(line.lines().count() == 1 && line.is_ascii());
    }

    #[test]
    fn a_title_is_no_command_to_the_terminal() {
        let notice = Notice::Playing {
            movie_id: 7.try_into().unwrap(),
            title: "A\u{1b}[2Jfilm\n".into(),
            duration: 3723.9,
            position: 61.0,
            sink: "mpv".into(),
        };
        assert_eq!(words(&notice, true).unwrap(), "Playing \"A[2Jfilm\", 1:02:03 from 1:01, to mpv");
        let notice = Notice::Account {
            name: "ada\u{1b}]0;x\u{7}@example.org".into(),
            plan: "ba\u{8}sic".into(),
            device: "One\r\n0001".into(),
            devices: 1,
            limit: 6,
        };
        let shown = "Account ada]0;x@example.org, plan basic; One0001 is one of 1 devices, of 6";
        assert_eq!(words(&notice, true).unwrap(), shown);
        let trouble = tv_box::Trouble { message: "Later\u{1b}[2J.".into(), code: None, retry: Some(3) };
        assert_eq!(words(&Notice::Trouble(trouble), true).unwrap(), "Later[2J.; trying again in 3 s");
    }
}
