//! The bytes of a range of an open file, without another thread as long as the system has them in memory.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::task::spawn_blocking;

/// Bytes of a piece at most: so much of a file is in memory for a reader at a time. A piece that an answer
/// consists of leaves with its head, in one write; larger ones would cost memory for readers that take
/// little.
const PIECE: u64 = 128 << 10;

/// What has bytes at places.
pub(crate) trait Place: Send + Sync + 'static {
    /// Reads what is there without waiting for a disk, at least one byte; `None`: it cannot be said without
    /// waiting.
    ///
    /// # Errors
    /// What the system says.
    fn read_at_hand(&self, at: u64, into: &mut [u8]) -> io::Result<Option<usize>>;

    /// Reads, however long that takes; 0 bytes: there are no more.
    ///
    /// # Errors
    /// What the system says.
    fn read_waiting(&self, at: u64, into: &mut [u8]) -> io::Result<usize>;
}

impl Place for File {
    #[cfg(target_os = "linux")]
    fn read_at_hand(&self, at: u64, into: &mut [u8]) -> io::Result<Option<usize>> {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};

        let mut slices = [io::IoSliceMut::new(into)];
        match preadv2(self, &mut slices, at, ReadWriteFlags::NOWAIT) {
            // Some kernels say this of what is not in memory, too (5.9, 5.10).
            Ok(0) => Ok(None),
            Ok(read) => Ok(Some(read)),
            // Not in memory; or a kernel, a sandbox or a file system that has no such thing.
            Err(error)
                if [Errno::AGAIN, Errno::INTR, Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM]
                    .contains(&error) =>
            {
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn read_at_hand(&self, _at: u64, _into: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(None)
    }

    #[cfg(unix)]
    fn read_waiting(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, into, at)
    }

    #[cfg(windows)]
    fn read_waiting(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, into, at)
    }
}

/// The bytes of a range, in pieces. It ends early only with an error: [`ErrorKind::UnexpectedEof`] where the
/// file is shorter by now.
pub(crate) fn pieces<P: Place>(
    place: Arc<P>,
    range: Range<u64>,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    stream::try_unfold(range, move |left| {
        let place = Arc::clone(&place);
        async move {
            if left.is_empty() {
                return Ok(None);
            }
            let length = (left.end - left.start).min(PIECE);
            let length = usize::try_from(length).map_err(io::Error::other)?;
            let bytes = piece(place, left.start, length).await?;
            let next = left.start + bytes.len() as u64..left.end;
            Ok::<_, io::Error>(Some((bytes, next)))
        }
    })
}

/// So many bytes; fewer, but one at least, where the others would have to be waited for.
async fn piece<P: Place>(place: Arc<P>, at: u64, length: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; length];
    if let Some(read) = place.read_at_hand(at, &mut buffer)?
        && read > 0
    {
        buffer.truncate(read);
        return Ok(Bytes::from(buffer));
    }
    let waiting = spawn_blocking(move || fill(&*place, at, &mut buffer).map(|()| buffer));
    waiting.await.map_err(io::Error::other)?.map(Bytes::from)
}

/// Reads as many bytes as there is room for. Waits.
fn fill<P: Place>(place: &P, at: u64, into: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match place.read_waiting(at + done as u64, rest) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => done += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::TryStreamExt as _;
    use proptest::prelude::*;

    use super::*;

    /// Bytes of which some are in memory, whole blocks of them, and others must be waited for.
    struct Half {
        bytes: Vec<u8>,
        block: usize,
        waited: AtomicUsize,
    }

    impl Place for Half {
        fn read_at_hand(&self, at: u64, into: &mut [u8]) -> io::Result<Option<usize>> {
            let at = at as usize;
            let is_there = (at / self.block).is_multiple_of(2);
            let end = self.bytes.len().min((at / self.block + 1) * self.block).min(at + into.len());
            let there = self.bytes.get(at..end).filter(|there| is_there && !there.is_empty());
            Ok(there.map(|there| {
                into[..there.len()].copy_from_slice(there);
                there.len()
            }))
        }

        fn read_waiting(&self, at: u64, into: &mut [u8]) -> io::Result<usize> {
            // The first is interrupted, and no read gives all.
            if self.waited.fetch_add(1, Ordering::Relaxed) == 0 {
                return Err(ErrorKind::Interrupted.into());
            }
            let rest = self.bytes.get(at as usize..).unwrap_or_default();
            let length = rest.len().min(into.len()).min(1000);
            into[..length].copy_from_slice(&rest[..length]);
            Ok(length)
        }
    }

    fn read<P: Place>(place: Arc<P>, range: Range<u64>) -> io::Result<Vec<Bytes>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(pieces(place, range).try_collect())
    }

    fn octets(length: usize) -> Vec<u8> {
        (0..length).map(|n| (n * 7 + n / 251) as u8).collect()
    }

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever is in memory, the bytes are those that the standard library reads.
        #[test]
        fn any_range_is_what_the_file_has(
            length in 1_usize..400_000, first in any::<u32>(), count in any::<u32>(), block in 1_usize..200_000,
        ) {
            let bytes = octets(length);
            let first = first as usize % length;
            let end = first + count as usize % (length - first + 1);
            let range = first as u64..end as u64;
            let from_file = read(Arc::new(file(&bytes)), range.clone()).unwrap();
            prop_assert!(from_file.concat() == bytes[first..end]);
            prop_assert!(from_file.iter().all(|piece| !piece.is_empty() && piece.len() as u64 <= PIECE));
            // Of tiny blocks there would be very many.
            let block = block.max(length / 50 + 1);
            let half = Half { bytes, block, waited: AtomicUsize::new(0) };
            let half = Arc::new(half);
            let from_half = read(Arc::clone(&half), range).unwrap();
            prop_assert!(from_half.concat() == half.bytes[first..end]);
        }
    }

    /// What 64 KiB are asked of is one piece, and so one write.
    #[test]
    fn a_short_range_is_one_piece() {
        let bytes = octets(200_000);
        let place = Half { bytes: bytes.clone(), block: 1 << 20, waited: AtomicUsize::new(0) };
        let place = Arc::new(place);
        let got = read(Arc::clone(&place), 1000..1000 + (64 << 10)).unwrap();
        assert_eq!(got, [&bytes[1000..1000 + (64 << 10)]]);
        assert_eq!(place.waited.load(Ordering::Relaxed), 0, "what is in memory costs no other thread");
        assert_eq!(read(place, 7..7).unwrap(), [] as [Bytes; 0]);
    }

    /// A file that shrinks while it is read: an error, and before it nothing but its bytes.
    #[tokio::test]
    async fn a_file_that_shrinks_is_an_error() {
        let bytes = octets(600_000);
        let file = Arc::new(file(&bytes));
        let mut pieces = std::pin::pin!(pieces(Arc::clone(&file), 0..600_000));
        let first = pieces.try_next().await.unwrap().unwrap();
        assert!(bytes.starts_with(&first));
        file.set_len(first.len() as u64 + 5).unwrap();
        let mut got = first.to_vec();
        let error = loop {
            match pieces.try_next().await {
                Ok(Some(piece)) => got.extend_from_slice(&piece),
                Ok(None) => panic!("it ended as if it were whole"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(bytes.starts_with(&got) && got.len() < 600_000);
        assert!(pieces.try_next().await.unwrap().is_none(), "nothing follows an error");
    }
}
