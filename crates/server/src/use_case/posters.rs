//! Posters that operators give movies after they were packaged. A pack's files never change, so such a poster
//! lies in the database beside what else is told of the movie, where every server finds it, and is shown in
//! place of the pack's.

use super::movies;
use crate::Error;
use crate::secret::sha256;
use crate::store::{AuditEntry, NewPoster, Poster, Store, retried};
use nccp::Art;

/// The most octets that a poster has.
pub const MAX_POSTER: usize = 2 << 20;
/// Most pixels of a side: more than any screen shows, and browsers still decode it.
const MAX_SIDE: usize = 8192;
/// Where posters are, in the place of a pack's id: no pack has such an id.
pub(crate) const FOLDER: &str = "posters";

fn bad(reason: String) -> Error {
    Error::Setting { name: "poster", reason }
}

/// What is told of a poster's file.
fn look_at(octets: &[u8]) -> Result<Poster, Error> {
    if octets.len() > MAX_POSTER {
        let reason =
            format!("the file has {} octets, and {MAX_POSTER} are allowed: make it smaller", octets.len());
        return Err(bad(reason));
    }
    let size = imagesize::blob_size(octets).ok().filter(|_| octets.starts_with(b"\xff\xd8\xff"));
    let size = size.ok_or_else(|| {
        bad("it is no JPEG: make one of it, for example by `ffmpeg -i PICTURE -q:v 3 poster.jpg`".to_owned())
    })?;
    let side = |pixels: usize| Some(pixels).filter(|pixels| (1..=MAX_SIDE).contains(pixels));
    let sides = side(size.width)
        .zip(side(size.height))
        .and_then(|(width, height)| Some((u32::try_from(width).ok()?, u32::try_from(height).ok()?)));
    let Some((width, height)) = sides else {
        let reason = format!("it has {}x{} pixels: sides have 1 to {MAX_SIDE}", size.width, size.height);
        return Err(bad(reason));
    };
    let name = format!("{}.jpg", hex::encode(&sha256(octets)[..16]));
    Ok(Poster { name, width, height })
}

/// Whether a text can be the name of a poster's file.
pub(crate) fn is_name(text: &str) -> bool {
    let digits = text.strip_suffix(".jpg").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// The path of a poster's address: it changes with the octets, so they can be kept for good.
pub fn url(poster: &Poster) -> String {
    format!("/art/{FOLDER}/{}", poster.name)
}

/// A poster as clients are told of it.
pub(crate) fn art(poster: &Poster) -> Art {
    Art { url: url(poster), width: poster.width, height: poster.height }
}

/// Gives a movie a poster, a JPEG, in place of the pack's and of one that it was given before.
///
/// # Errors
/// [`Error::Setting`] for no such movie, or what is no JPEG of at most [`MAX_POSTER`] octets;
/// [`Error::Store`].
pub async fn give(store: &dyn Store, movie: u64, octets: &[u8]) -> Result<Poster, Error> {
    let poster = look_at(octets)?;
    retried!(async {
        let mut tx = store.begin().await?;
        tx.lock_movie(movie).await?.ok_or_else(|| movies::unknown(movie))?;
        tx.set_poster(movie, &NewPoster { poster: &poster, octets }).await?;
        let entry = AuditEntry::operator("movie poster").movie(movie);
        tx.audit(&entry.with("poster", poster.name.as_str())).await?;
        Ok::<_, Error>(tx.commit().await?)
    })?;
    Ok(poster)
}

/// Takes the poster away that a movie was given, so that the pack's is shown again; `false` when there is
/// none.
///
/// # Errors
/// [`Error::Setting`] for no such movie; [`Error::Store`].
pub async fn take_away(store: &dyn Store, movie: u64) -> Result<bool, Error> {
    retried!(async {
        let mut tx = store.begin().await?;
        tx.lock_movie(movie).await?.ok_or_else(|| movies::unknown(movie))?;
        let was_there = tx.remove_poster(movie).await?;
        if was_there {
            tx.audit(&AuditEntry::operator("movie poster").movie(movie).with("removed", true)).await?;
        }
        tx.commit().await?;
        Ok(was_there)
    })
}

/// The poster that a movie was given.
///
/// # Errors
/// [`Error::Store`].
pub async fn of_movie(store: &dyn Store, movie: u64) -> Result<Option<Poster>, Error> {
    Ok(store.read().await?.poster(movie).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest head of a JPEG that says how large its picture is (ISO/IEC 10918-1, B.2.2).
    fn jpeg(width: u16, height: u16) -> Vec<u8> {
        let mut octets = b"\xff\xd8\xff\xc0\x00\x11\x08".to_vec();
        octets.extend(height.to_be_bytes());
        octets.extend(width.to_be_bytes());
        octets.extend(b"\x03\x01\x22\x00\x02\x11\x01\x03\x11\x01\xff\xd9");
        octets
    }

    #[test]
    fn only_jpegs_of_some_size_are_posters() {
        let poster = look_at(&jpeg(600, 900)).unwrap();
        assert_eq!((poster.width, poster.height), (600, 900));
        assert!(is_name(&poster.name) && art(&poster).url == format!("/art/posters/{}", poster.name));
        assert_ne!(poster.name, look_at(&jpeg(600, 901)).unwrap().name, "other octets, another address");
        let long = [jpeg(600, 900), vec![0; MAX_POSTER]].concat();
        for wrong in [&b""[..], b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", &jpeg(0, 900), &jpeg(600, 9000), &long]
        {
            assert!(look_at(wrong).is_err(), "{:?}", &wrong[..wrong.len().min(20)]);
        }
        for wrong in ["", ".jpg", "poster.jpg", "../0123456789abcdef0123456789abcd.jpg", &"A".repeat(32)] {
            assert!(!is_name(wrong), "{wrong}");
        }
    }
}
