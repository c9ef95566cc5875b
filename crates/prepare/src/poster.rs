//! Which picture becomes the poster.

/// The brightest of the sharpest quarter of some grey pictures of one size, by its number; `None` if there is
/// none whole. Sharp is what differs from its neighbours (the mean of the Laplacian): titles on black, fades
/// and pans are not.
pub(crate) fn choose(pictures: &[u8], (width, height): (u32, u32)) -> Option<usize> {
    let (width, height) = (width as usize, height as usize);
    let mut judged: Vec<(usize, u64, u64)> = pictures
        .chunks_exact((width * height).max(1))
        .enumerate()
        .map(|(n, picture)| (n, sharpness(picture, width, height), brightness(picture)))
        .collect();
    judged.sort_by_key(|(n, sharp, _)| (std::cmp::Reverse(*sharp), *n));
    judged.truncate(judged.len().div_ceil(4));
    judged.into_iter().max_by_key(|(n, _, bright)| (*bright, std::cmp::Reverse(*n))).map(|(n, _, _)| n)
}

fn brightness(picture: &[u8]) -> u64 {
    picture.iter().map(|sample| u64::from(*sample)).sum()
}

fn sharpness(picture: &[u8], width: usize, height: usize) -> u64 {
    let at = |x: usize, y: usize| i64::from(picture[y * width + x]);
    let inside =
        (1..height.saturating_sub(1)).flat_map(|y| (1..width.saturating_sub(1)).map(move |x| (x, y)));
    inside
        .map(|(x, y)| {
            (4 * at(x, y) - at(x - 1, y) - at(x + 1, y) - at(x, y - 1) - at(x, y + 1)).unsigned_abs()
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_brightest_of_the_sharpest() {
        let flat = |grey: u8| vec![grey; 64];
        let checks =
            |low: u8, high: u8| (0..64).map(|n| if (n + n / 8) % 2 == 0 { low } else { high }).collect();
        // Of eight the sharpest quarter are two; a white picture is bright and not sharp.
        let pictures: [Vec<u8>; 8] =
            [flat(0), flat(255), checks(0, 90), checks(10, 200), checks(60, 250), flat(9), flat(8), flat(7)];
        assert_eq!(choose(&pictures.concat(), (8, 8)), Some(4));
        assert_eq!(choose(&flat(5), (8, 8)), Some(0));
        assert_eq!(choose(&[], (8, 8)), None);
        assert_eq!(choose(&[1, 2, 3], (2, 1)), Some(0));
    }
}
