//! Times of different timescales.

use std::cmp::Ordering;

/// Ticks of one timescale as ticks of another, rounded to the nearest.
pub fn rescale(ticks: i64, from: u32, to: u32) -> i64 {
    let (product, from) = (i128::from(ticks) * i128::from(to), i128::from(from));
    ((2 * product + from).div_euclid(2 * from)) as i64
}

/// Compares times of different timescales exactly.
pub fn compare(a: (i64, u32), b: (i64, u32)) -> Ordering {
    (i128::from(a.0) * i128::from(b.1)).cmp(&(i128::from(b.0) * i128::from(a.1)))
}

/// Ticks as seconds, rounded to what a double can say.
pub fn seconds(ticks: i64, timescale: u32) -> f64 {
    ticks as f64 / f64::from(timescale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rescaling_rounds_to_nearest() {
        assert_eq!(rescale(1, 1000, 48_000), 48);
        assert_eq!(rescale(-1, 3, 2), -1);
        assert_eq!(rescale(1, 3, 2), 1);
        assert_eq!(rescale(i64::MAX, 1, 1), i64::MAX);
        assert_eq!(compare((1, 3), (16_000, 48_000)), Ordering::Equal);
        assert_eq!(compare((-1, 3), (0, 1)), Ordering::Less);
    }
}
