//! The film's sound: slow chords, a soft music box and the bell of each second.

use std::f32::consts::TAU;

use demo_film::{BELL_HZ, SAMPLE_RATE, SECONDS};

/// Seconds for which a chord lasts.
const CHORD: u32 = 5;

/// The chords as MIDI notes, lowest first; twelve of five seconds.
const CHORDS: [[u8; 4]; 12] = [
    [41, 57, 60, 64], // F major 7
    [45, 55, 60, 64], // A minor 7
    [50, 57, 60, 65], // D minor 7
    [48, 55, 59, 64], // C major 7
    [41, 57, 60, 64],
    [40, 55, 59, 62], // E minor 7
    [45, 55, 60, 64],
    [43, 55, 59, 65], // G 7
    [50, 57, 60, 65],
    [46, 57, 62, 65], // B flat major 7
    [48, 55, 60, 64], // C
    [41, 57, 60, 65], // F
];

/// Frequency of a MIDI note in hertz.
fn hertz(note: u8) -> f32 {
    440.0 * 2_f32.powf((f32::from(note) - 69.0) / 12.0)
}

/// A sine of `frequency` at sample `n`, with its phase kept in a double so that it does not drift over a
/// minute.
fn sine(frequency: f32, n: u32, phase: f32) -> f32 {
    let turns = f64::from(frequency) * f64::from(n) / f64::from(SAMPLE_RATE);
    (TAU * (turns.fract() as f32) + phase).sin()
}

/// 0 to 1 to 0 over a chord's time, overlapping its neighbours by a second.
fn swell(seconds: f32) -> f32 {
    let rise = (seconds / 1.0).clamp(0.0, 1.0);
    let fall = ((CHORD as f32 + 1.0 - seconds) / 1.0).clamp(0.0, 1.0);
    let smooth = |x: f32| x * x * (3.0 - 2.0 * x);
    smooth(rise) * smooth(fall)
}

/// Both channels of the pad at sample `n`.
fn pad(n: u32) -> [f32; 2] {
    let mut out = [0.0; 2];
    let now = n / (CHORD * SAMPLE_RATE);
    for index in [now.wrapping_sub(1), now] {
        let Some(chord) = CHORDS.get(index as usize) else { continue };
        let start = index * CHORD * SAMPLE_RATE;
        let volume = swell((n - start) as f32 / SAMPLE_RATE as f32);
        for (voice, &note) in chord.iter().enumerate() {
            let f = hertz(note);
            for (channel, detune) in [(0, 0.9985), (1, 1.0015)] {
                let phase = voice as f32 + channel as f32 * 1.3;
                out[channel] += volume
                    * 0.055
                    * (sine(f * detune, n, phase)
                        + 0.35 * sine(f * 2.0 * detune, n, phase * 2.0)
                        + 0.12 * sine(f * 3.0, n, phase * 3.0));
            }
        }
    }
    out
}

/// Both channels of the music box at sample `n`: a note every half second, an octave above the chord.
fn music_box(n: u32) -> [f32; 2] {
    const STEP: u32 = SAMPLE_RATE / 2;
    const ORDER: [usize; 10] = [0, 2, 1, 3, 2, 1, 3, 2, 1, 2];
    let mut out = [0.0; 2];
    let now = n / STEP;
    for step in now.saturating_sub(3)..=now {
        // Half a second late, so that it never sounds together with the bell.
        let start = step * STEP + STEP / 2;
        if n < start || step == 0 {
            continue;
        }
        let Some(chord) = CHORDS.get((step * STEP / (CHORD * SAMPLE_RATE)) as usize) else { continue };
        let note = match ORDER[step as usize % ORDER.len()] {
            0 => chord[0] + 24,
            voice => chord[voice] + 12,
        };
        let t = (n - start) as f32 / SAMPLE_RATE as f32;
        let volume = 0.085 * (t / 0.004).min(1.0) * (-t / 0.32).exp();
        let pan = 0.5 + 0.3 * (step as f32 * 0.9).sin();
        let tone = sine(hertz(note), n - start, 0.0);
        out[0] += volume * (1.0 - pan) * 2.0 * tone;
        out[1] += volume * pan * 2.0 * tone;
    }
    out
}

/// The bell at sample `n`, equal in both channels.
fn bell(n: u32) -> f32 {
    let since = n % SAMPLE_RATE;
    let t = since as f32 / SAMPLE_RATE as f32;
    if t > 0.4 {
        return 0.0;
    }
    0.30 * (t / 0.001).min(1.0) * (-t / 0.05).exp() * sine(BELL_HZ, since, 0.0)
}

/// How much softer the music is under a voice.
const UNDER_VOICE: f32 = 0.5;

/// A voice that begins somewhere in the film.
pub(crate) struct Voice {
    /// Second at which it begins.
    pub(crate) start: u32,
    /// Samples a second.
    pub(crate) rate: u32,
    /// One channel.
    pub(crate) samples: Vec<i16>,
}

impl Voice {
    /// Its value at sample `n` of the film, -1 to 1, between its own samples by a straight line.
    fn at(&self, n: u32) -> f32 {
        let Some(since) = n.checked_sub(self.start * SAMPLE_RATE) else { return 0.0 };
        let place = f64::from(since) * f64::from(self.rate) / f64::from(SAMPLE_RATE);
        let sample = |index: usize| self.samples.get(index).map_or(0.0, |value| f32::from(*value) / 32768.0);
        let (index, part) = (place as usize, place.fract() as f32);
        sample(index) * (1.0 - part) + sample(index + 1) * part
    }
}

/// The whole sound, 16-bit little-endian, two channels interleaved; music and bell are softer under voices.
pub(crate) fn pcm(voices: &[Voice]) -> Vec<u8> {
    let soft = if voices.is_empty() { 1.0 } else { UNDER_VOICE };
    let total = SECONDS * SAMPLE_RATE;
    let mut out = Vec::with_capacity(total as usize * 4);
    for n in 0..total {
        let fade = ((total - n) as f32 / (2.0 * SAMPLE_RATE as f32)).min(1.0);
        let (pad, music_box, bell) = (pad(n), music_box(n), bell(n));
        let voice: f32 = voices.iter().map(|voice| voice.at(n)).sum();
        for channel in 0..2 {
            let value = soft * (fade * (pad[channel] + music_box[channel]) + bell) + voice;
            out.extend_from_slice(&((value.clamp(-1.0, 1.0) * 32_000.0) as i16).to_le_bytes());
        }
    }
    out
}
