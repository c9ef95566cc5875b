//! `senc`, `saiz` and `saio` of a fragment against its samples.

use isobmff::{BoxRef, Boxes, Error};

/// What of a sample `senc` should have: the octets of its IV and its number of subsamples.
pub(super) type Entry = (usize, usize);

struct Found<'a> {
    senc: Option<BoxRef<'a>>,
    saiz: Option<BoxRef<'a>>,
    saio: Option<BoxRef<'a>>,
}

fn find<'a>(moof: &BoxRef<'a>) -> Result<Found<'a>, Error> {
    let traf = moof.required(b"traf")?;
    Ok(Found { senc: traf.child(b"senc")?, saiz: traf.child(b"saiz")?, saio: traf.child(b"saio")? })
}

/// Compares them; `entries` are what the samples say, and empty where there must be none of the boxes. What
/// is wrong, in words.
///
/// # Errors
/// Boxes that cannot be read.
pub(super) fn check(data: &[u8], entries: &[Entry]) -> Result<Option<String>, Error> {
    let Some(moof) = Boxes::new(data).next().transpose()? else { return Ok(None) };
    let found = find(&moof)?;
    let (senc, saiz, saio) = match found {
        Found { senc: Some(senc), saiz: Some(saiz), saio: Some(saio) } if !entries.is_empty() => {
            (senc, saiz, saio)
        }
        Found { senc: None, saiz: None, saio: None } if entries.is_empty() => return Ok(None),
        _ if entries.is_empty() => return Ok(Some("it has `senc`, `saiz` or `saio`, and should not".into())),
        _ => return Ok(Some("`senc`, `saiz` or `saio` is missing".into())),
    };
    let (_, flags, mut cursor) = senc.full()?;
    let (count, has_subsamples) = (cursor.u32()?, flags & 2 != 0);
    if count as usize != entries.len() {
        return Ok(Some(format!("`senc` has {count} entries for {} samples", entries.len())));
    }
    let size = |&(iv, subsamples): &Entry| iv + if has_subsamples { 2 + 6 * subsamples } else { 0 };
    if cursor.rest().len() != entries.iter().map(size).sum::<usize>() {
        return Ok(Some("`senc` is longer than its entries".into()));
    }
    let (_, flags, mut cursor) = saiz.full()?;
    if flags & 1 != 0 {
        cursor.take(8)?;
    }
    let (default, count) = (cursor.u8()?, cursor.u32()?);
    if count as usize != entries.len() {
        return Ok(Some(format!("`saiz` has {count} sizes for {} samples", entries.len())));
    }
    let sizes = if default == 0 { cursor.take(entries.len())? } else { &[] };
    let sizes = sizes.iter().copied().chain(std::iter::repeat_n(default, entries.len() - sizes.len()));
    if let Some(n) = sizes.zip(entries).position(|(said, entry)| usize::from(said) != size(entry)) {
        return Ok(Some(format!("`saiz` has another size than the entry of its sample {n} in `senc`")));
    }
    let (version, flags, mut cursor) = saio.full()?;
    if flags & 1 != 0 {
        cursor.take(8)?;
    }
    let count = cursor.u32()?;
    let at = if count == 1 { cursor.u32_or_u64(version == 1)? } else { 0 };
    // Behind version, flags and the number of samples.
    let there = senc.payload_offset() as u64 + 8;
    Ok((at != there).then(|| format!("`saio` points to {at}, and the entries of `senc` begin at {there}")))
}
