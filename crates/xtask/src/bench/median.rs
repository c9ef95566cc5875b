//! What counts of several runs.

/// The one in the middle; of an even number the upper of two. Not a number of none.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    quantile(values, 0.5)
}

/// The one below which this part of them is. Not a number of none.
pub(super) fn quantile(values: impl IntoIterator<Item = f64>, part: f64) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get((sorted.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted() {
        assert_eq!(median([9.0, 1.0, 5.0]), 5.0);
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), 3.0);
        assert_eq!(quantile([9.0, 1.0, 5.0, 7.0], 0.25), 5.0);
        assert!(median([]).is_nan());
    }
}
