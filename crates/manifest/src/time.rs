//! Seconds as decimal numbers.

/// `value / timescale` seconds, to the microsecond, without needless zeros: `4.0`, `4.004`.
pub(crate) fn seconds(value: u64, timescale: u32) -> String {
    let scale = u128::from(timescale.max(1));
    let micros = (u128::from(value) * 1_000_000 + scale / 2) / scale;
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let kept = text.trim_end_matches('0');
    if kept.ends_with('.') { format!("{kept}0") } else { kept.to_owned() }
}

/// `octets` in `value / timescale` seconds, as bit/s, rounded up.
pub(crate) fn bandwidth(octets: u64, value: u64, timescale: u32) -> u64 {
    let bits = u128::from(octets) * 8 * u128::from(timescale);
    u64::try_from(bits.div_ceil(u128::from(value.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_exact_to_the_microsecond() {
        for (value, timescale, text) in [
            (4, 1, "4.0"),
            (0, 1, "0.0"),
            (96_096, 24_000, "4.004"),
            (1, 3, "0.333333"),
            (2, 3, "0.666667"),
            (u64::MAX, 1, "18446744073709551615.0"),
        ] {
            assert_eq!(seconds(value, timescale), text);
        }
        assert_eq!(bandwidth(1000, 3, 1), 2667);
        assert_eq!(bandwidth(u64::MAX, 0, 1), u64::MAX);
    }
}
