//! Captions of CEA-708 (CTA-708-E) in the user data of pictures: the first service, as text and when it is
//! shown.

mod codes;
mod window;

use self::codes::{extended, parameters};
use self::window::Window;
use crate::{Cue, Error, MAX_TEXT, Time, Track, text};

/// The service that is read: captions in the programme's first language.
const SERVICE: u8 = 1;
/// Windows of a service.
const WINDOWS: usize = 8;

/// Reads the captions of pictures in the order in which they are shown. Colours, fonts and places are not
/// kept, but that text stands at the top; what grows letter by letter is one cue from the first of them.
///
/// # Examples
/// ```
/// use subtitles::{Cea708, Time};
///
/// let mut captions = Cea708::default();
/// // A packet with a block of the first service: a window is defined, but the command is cut short.
/// captions.push(Time(0), &[0xff, 0x03, 0x24, 0xfe, 0x98, 0x20, 0xfe, 0x00, 0x00])?;
/// assert_eq!(captions.finish(Time(1000)), Err(subtitles::Error::Empty));
/// # Ok::<(), subtitles::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Cea708 {
    /// A packet as far as it has come, its header first.
    packet: Vec<u8>,
    /// Octets of it, with its header; 0: none has begun.
    size: usize,
    windows: [Option<Window>; WINDOWS],
    current: Option<usize>,
    /// Milliseconds of the picture, and before which nothing is shown because a delay was asked for.
    now: u64,
    delayed: u64,
    changed: bool,
    open: Option<Shown>,
    track: Track,
}

/// What is on the screen since when.
#[derive(Debug)]
struct Shown {
    start: u64,
    text: String,
    settings: &'static str,
}

impl Cea708 {
    /// Takes a picture's `cc_data` (CTA-708-E, section 4.4): three octets for each pair. Pairs of CEA-608,
    /// and what is marked as not valid, are read over; packets that are cut short are dropped.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than [`MAX_CUES`](crate::MAX_CUES).
    pub fn push(&mut self, time: Time, cc_data: &[u8]) -> Result<(), Error> {
        self.now = self.now.max(time.0);
        for triple in cc_data.chunks_exact(3) {
            let &[head, a, b] = triple else { continue };
            match (head & 0b100 != 0, head & 0b11) {
                // A packet's begin (section 5): its size is in six bits, in pairs; 0 is 64.
                (true, 3) => {
                    self.packet.clear();
                    self.size = match usize::from(a & 0x3f) {
                        0 => 128,
                        pairs => 2 * pairs,
                    };
                }
                (true, 2) if self.size > 0 => {}
                _ => continue,
            }
            self.packet.extend([a, b]);
            if self.packet.len() >= self.size {
                let packet = std::mem::take(&mut self.packet);
                self.size = 0;
                self.blocks(packet.get(1..).unwrap_or_default())?;
            }
        }
        match std::mem::take(&mut self.changed) {
            true => self.show(),
            false => Ok(()),
        }
    }

    /// The track; what is still shown goes at `end`.
    ///
    /// # Errors
    /// [`Error::Empty`] where nothing was shown, [`Error::TooLarge`].
    pub fn finish(mut self, end: Time) -> Result<Track, Error> {
        self.close(end.0)?;
        self.track.finish()
    }

    /// The blocks of a packet (section 6): number of the service and size in one octet, or in two.
    fn blocks(&mut self, mut packet: &[u8]) -> Result<(), Error> {
        while let Some((&header, rest)) = packet.split_first() {
            let (mut service, size, mut rest) = (header >> 5, usize::from(header & 0x1f), rest);
            if service == 7 && size > 0 {
                let Some((&extended, after)) = rest.split_first() else { return Ok(()) };
                (service, rest) = (extended & 0x3f, after);
            }
            let Some((block, after)) = rest.split_at_checked(size) else { return Ok(()) };
            if service == 0 {
                return Ok(());
            }
            if service == SERVICE {
                self.block(block)?;
            }
            packet = after;
        }
        Ok(())
    }

    /// Commands and letters (section 7); none reaches into the next block.
    fn block(&mut self, mut block: &[u8]) -> Result<(), Error> {
        while let Some((&code, rest)) = block.split_first() {
            let Some((given, after)) = rest.split_at_checked(parameters(code, rest)) else { return Ok(()) };
            self.command(code, given)?;
            block = after;
        }
        Ok(())
    }

    fn command(&mut self, code: u8, given: &[u8]) -> Result<(), Error> {
        self.changed = true;
        match (code, given) {
            (0x08, _) => self.on_window(Window::back),
            (0x0c, _) => self.on_window(Window::clear),
            (0x0d, _) => self.on_window(Window::next_row),
            (0x0e, _) => self.on_window(Window::clear_row),
            (0x10, _) => self.write(extended(given)),
            // Characters of 16 bits: those of Unicode's first plane.
            (0x18, &[a, b]) => {
                let letter = char::from_u32(u32::from(u16::from_be_bytes([a, b])));
                self.write(letter.filter(|c| !c.is_control()));
            }
            (0x7f, _) => self.write(Some('\u{266a}')),
            (0x20..=0x7e | 0xa0..=0xff, _) => self.write(Some(char::from(code))),
            (0x80..=0x87, _) => self.select(usize::from(code & 7)),
            (0x88, &[windows]) => self.each(windows, Window::clear),
            (0x89, &[windows]) => self.each(windows, |window| window.visible = true),
            (0x8a, &[windows]) => self.each(windows, |window| window.visible = false),
            (0x8b, &[windows]) => self.each(windows, |window| window.visible = !window.visible),
            (0x8c, &[windows]) => self.delete(windows),
            (0x8d, &[tenths]) => {
                // What came before is shown now.
                self.show()?;
                self.delayed = self.time().saturating_add(100 * u64::from(tenths));
            }
            (0x8e, _) => self.delayed = 0,
            (0x8f, _) => {
                self.delete(u8::MAX);
                self.delayed = 0;
            }
            (0x92, &[row, column]) => {
                self.on_window(|window| window.place(usize::from(row & 0x0f), usize::from(column & 0x3f)));
            }
            (0x98..=0x9f, &[a, b, c, d, e, _]) => self.define(usize::from(code & 7), [a, b, c, d, e]),
            _ => {}
        }
        Ok(())
    }

    fn on_window(&mut self, change: impl FnOnce(&mut Window)) {
        let Some(number) = self.current else { return };
        if let Some(Some(window)) = self.windows.get_mut(number) {
            change(window);
        }
    }

    fn write(&mut self, letter: Option<char>) {
        if let Some(letter) = letter {
            self.on_window(|window| window.write(letter));
        }
    }

    /// A window that is not defined is not selected.
    fn select(&mut self, number: usize) {
        if self.windows.get(number).is_some_and(Option::is_some) {
            self.current = Some(number);
        }
    }

    /// Changes the windows whose bits are set.
    fn each(&mut self, windows: u8, change: impl Fn(&mut Window)) {
        for (number, window) in self.windows.iter_mut().enumerate() {
            if let Some(window) = window.as_mut().filter(|_| (windows >> number) & 1 == 1) {
                change(window);
            }
        }
    }

    fn delete(&mut self, windows: u8) {
        for (number, window) in self.windows.iter_mut().enumerate() {
            if (windows >> number) & 1 == 1 {
                *window = None;
            }
        }
        self.current = self.current.filter(|number| self.windows.get(*number).is_some_and(Option::is_some));
    }

    /// Defines a window, and selects it. The same again changes nothing: whoever sends it serves those that
    /// come late.
    fn define(&mut self, number: usize, definition: [u8; 5]) {
        if let Some(place) = self.windows.get_mut(number) {
            match place {
                Some(window) => window.redefine(definition),
                None => *place = Some(Window::new(definition)),
            }
            self.current = Some(number);
        }
    }

    /// When what changes now is shown.
    fn time(&self) -> u64 {
        self.now.max(self.delayed)
    }

    /// Notes what is on the screen.
    fn show(&mut self) -> Result<(), Error> {
        let (text, settings) = self.screen();
        let time = self.time();
        if let Some(open) = &mut self.open
            && open.settings == settings
            && text.starts_with(&open.text)
        {
            open.text = text;
            return Ok(());
        }
        self.close(time)?;
        if !text.is_empty() {
            self.open = Some(Shown { start: time, text, settings });
        }
        Ok(())
    }

    fn close(&mut self, end: u64) -> Result<(), Error> {
        match self.open.take() {
            Some(Shown { start, text, settings }) if start < end => self.track.push(Cue {
                start: Time(start),
                end: Time(end),
                settings: settings.to_owned(),
                text,
            }),
            _ => Ok(()),
        }
    }

    /// The lines of the visible windows from top to bottom, and whether all of them are at the top.
    fn screen(&self) -> (String, &'static str) {
        let mut windows: Vec<&Window> =
            self.windows.iter().flatten().filter(|window| window.visible).collect();
        windows.sort_by_key(|window| window.height());
        let (mut text, mut at_top) = (String::new(), true);
        for window in windows {
            for line in window.lines() {
                let line = escaped(&line);
                if !line.is_empty() && text.len() + 1 + line.len() <= MAX_TEXT {
                    if !text.is_empty() {
                        text.push('\n');
                    }
                    text += &line;
                    at_top &= window.is_at_top();
                }
            }
        }
        let settings = if at_top && !text.is_empty() { "line:0" } else { "" };
        (text, settings)
    }
}

/// A line as WebVTT has it: no letter of it is a tag's.
fn escaped(line: &str) -> String {
    text::clean(&line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_webvtt;
    use proptest::prelude::*;

    /// The pairs of a packet with one block.
    fn pairs(service: u8, block: &[u8]) -> Vec<u8> {
        let mut packet = vec![0, (service << 5) | block.len() as u8];
        packet.extend(block);
        if packet.len() % 2 == 1 {
            packet.push(0);
        }
        packet[0] = (packet.len() / 2) as u8;
        let head = |n: usize| if n == 0 { 0xff } else { 0xfe };
        packet.chunks(2).enumerate().flat_map(|(n, pair)| [head(n), pair[0], pair[1]]).collect()
    }

    /// Window 0 at the bottom, with two rows of 32 letters.
    fn define(visible: bool) -> Vec<u8> {
        vec![0x98, if visible { 0x38 } else { 0x18 }, 74, 0, 0x71, 31, 0x09]
    }

    /// The cues of blocks that come with pictures, a hundred milliseconds from one to the next.
    fn cues(blocks: &[Vec<u8>]) -> Vec<(u64, u64, String)> {
        let mut captions = Cea708::default();
        for (n, block) in blocks.iter().enumerate() {
            captions.push(Time(100 * n as u64), &pairs(1, block)).unwrap();
        }
        let track = captions.finish(Time(100 * blocks.len() as u64)).unwrap_or_default();
        track.cues.into_iter().map(|cue| (cue.start.0, cue.end.0, cue.text)).collect()
    }

    #[test]
    fn what_is_popped_on_is_there_when_it_is_shown() {
        let blocks =
            [define(false), b"Who's <there> & why?\rI".to_vec(), vec![0x89, 1], vec![], vec![0x8a, 1]];
        let expected = (200, 400, "Who's &lt;there&gt; &amp; why?\nI".to_owned());
        assert_eq!(cues(&blocks), [expected]);
    }

    /// Letter by letter is one cue; a new row moves those above up, and the first one out.
    #[test]
    fn what_is_rolled_up_is_a_cue_for_each_row() {
        let blocks = [define(true), b"On".to_vec(), b"e\rTwo".to_vec(), b"\rThree".to_vec(), vec![0x8c, 1]];
        assert_eq!(cues(&blocks), [(100, 300, "One\nTwo".to_owned()), (300, 400, "Two\nThree".to_owned())]);
    }

    #[test]
    fn letters_beyond_ascii_and_editing() {
        let mut block = define(true);
        block.extend(b"\xc9t\xe9 \x7f\x10\x25\x10\xa0x\x08\x18\xac\x00\x18\xff\x1f\x18\x00\x0d");
        block.extend([0x92, 1, 2, b'!']);
        assert_eq!(
            cues(&[block]),
            [(0, 100, "\u{c9}t\u{e9} \u{266a}\u{2026}\u{ac00}\u{ff1f}\n!".to_owned())]
        );
        let mut block = define(true);
        block.extend(b"gone\x0eback\x08\x08");
        assert_eq!(cues(&[block, vec![0x0c]]), [(0, 100, "ba".to_owned())]);
    }

    /// The same definition again changes nothing; a delay holds back what comes behind it; a reset ends all.
    #[test]
    fn definitions_delays_and_resets() {
        let again = [define(true), b"A".to_vec(), define(true), b"B".to_vec(), vec![0x8f]];
        assert_eq!(cues(&again), [(100, 400, "AB".to_owned())]);
        let late = [define(true), b"A".to_vec(), vec![0x8d, 2, 0x0c, b'Z'], vec![], vec![], vec![]];
        assert_eq!(cues(&late), [(100, 400, "A".to_owned()), (400, 600, "Z".to_owned())]);
    }

    #[test]
    fn other_services_and_pairs_that_are_not_valid_are_read_over() {
        let mut block = define(true);
        block.push(b'A');
        let mut captions = Cea708::default();
        captions.push(Time(0), &pairs(2, &block)).unwrap();
        let invalid: Vec<u8> = pairs(1, &block)
            .iter()
            .enumerate()
            .map(|(n, o)| if n % 3 == 0 { *o & !4_u8 } else { *o })
            .collect();
        captions.push(Time(100), &invalid).unwrap();
        // A packet that the next one breaks off.
        captions.push(Time(200), &pairs(1, &block)[..9]).unwrap();
        assert!(captions.screen().0.is_empty());
        captions.push(Time(300), &pairs(1, &block)).unwrap();
        captions.push(Time(400), &[0xfc, 0x94, 0x2c]).unwrap();
        let cues = captions.finish(Time(500)).unwrap().cues;
        assert_eq!(
            (cues.len(), cues[0].start, &cues[0].text[..], &cues[0].settings[..]),
            (1, Time(300), "A", "")
        );
    }

    #[test]
    fn text_at_the_top_stays_there() {
        let block = [&[0x98, 0x38, 2, 0, 0x01, 31, 0x09][..], b"Top"].concat();
        let mut captions = Cea708::default();
        captions.push(Time(0), &pairs(1, &block)).unwrap();
        assert_eq!(captions.finish(Time(1)).unwrap().cues[0].settings, "line:0");
    }

    proptest! {
        #[test]
        fn any_pairs_are_read_and_what_is_read_is_webvtt(pictures: Vec<Vec<u8>>) {
            let mut captions = Cea708::default();
            for (n, picture) in pictures.iter().enumerate() {
                captions.push(Time(n as u64), picture).unwrap();
            }
            if let Ok(track) = captions.finish(Time(pictures.len() as u64)) {
                prop_assert_eq!(read_webvtt(track.to_webvtt().as_bytes()), Ok(track));
            }
        }

        #[test]
        fn any_commands_are_read_and_what_is_read_is_webvtt(
            blocks in prop::collection::vec(prop::collection::vec(
                prop_oneof![0x20u8..0x80, 0x80u8..0xa0, any::<u8>()], 0..24), 0..24),
        ) {
            let mut captions = Cea708::default();
            for (n, block) in blocks.iter().enumerate() {
                let block = if n == 0 { [define(true), block.clone()].concat() } else { block.clone() };
                let block = &block[..block.len().min(31)];
                captions.push(Time(10 * n as u64), &pairs(1, block)).unwrap();
            }
            if let Ok(track) = captions.finish(Time(10_000)) {
                prop_assert!(track.cues.iter().all(|cue| cue.start < cue.end && cue.text.len() <= MAX_TEXT));
                prop_assert_eq!(read_webvtt(track.to_webvtt().as_bytes()), Ok(track));
            }
        }
    }
}
