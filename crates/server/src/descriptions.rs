//! Whole `pack.json` files, of the packs that manifests were last made of: a bounded number.

use crate::Error;
use crate::catalogue::MAX_PACK_JSON;
use pack::{Pack, layout};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use storage::{Key, Storage};

/// Packs that are kept. A film of two hours takes some megabytes.
const KEPT: usize = 16;

/// The packs that were last asked for, the latest first.
#[derive(Debug, Default)]
pub(crate) struct Descriptions(Mutex<VecDeque<Arc<Pack>>>);

impl Descriptions {
    /// A pack's description, as the packager left it; `None` where there is no such pack.
    ///
    /// # Errors
    /// [`Error::Pack`], [`Error::Storage`].
    pub(crate) async fn get(&self, library: &dyn Storage, id: &str) -> Result<Option<Arc<Pack>>, Error> {
        if let Some(kept) = self.kept(id) {
            return Ok(Some(kept));
        }
        let bad = |reason: String| Error::Pack { pack: id.to_owned(), reason };
        let key: Key = id.parse().map_err(storage::Error::from)?;
        let key = key.join(layout::PACK_JSON).map_err(storage::Error::from)?;
        let json = match library.get(&key, None).await {
            Ok(json) if json.meta.size > MAX_PACK_JSON => {
                return Err(bad("pack.json is too long".to_owned()));
            }
            Ok(json) => json.bytes().await?,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let pack = Pack::from_json(&json).map_err(|error| bad(error.to_string()))?;
        if pack.pack_id != id {
            return Err(bad("pack.json is another pack's".to_owned()));
        }
        let pack = Arc::new(pack);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.pack_id != id);
        all.push_front(Arc::clone(&pack));
        all.truncate(KEPT);
        Ok(Some(pack))
    }

    fn kept(&self, id: &str) -> Option<Arc<Pack>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|pack| pack.pack_id == id)?;
        let pack = all.remove(at)?;
        all.push_front(Arc::clone(&pack));
        Some(pack)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storage::{Memory, PutMode};

    async fn put(library: &Memory, id: &str, inner: &str) {
        let json = serde_json::json!({"version": 1, "pack_id": inner, "movie_id": 7, "title": "A film",
            "duration": {"value": 4, "timescale": 1}, "scheme": "none", "level": "high", "representations": [{
                "id": "a-en-1", "downloadable_id": "1811192541", "path": "541/1811192541.mp4", "media_type": "audio",
                "mime_type": "audio/mp4", "codecs": "mp4a.40.2", "group": "a", "timescale": 48000, "bitrate": 96,
                "peak_bandwidth": 97000, "language": "en", "size": 48900, "sha256": "", "init_range": "0-799",
                "index_range": "800-899", "max_segment": 48000, "samples": 188, "protected_samples": 0,
                "segments": [{"start": 0, "duration": 192_000, "offset": 900, "size": 48000}]}]});
        let key = format!("{id}/pack.json").parse().unwrap();
        library.put(&key, json.to_string().into(), PutMode::Overwrite).await.unwrap();
    }

    #[tokio::test]
    async fn a_bounded_number_is_kept() {
        let (library, descriptions) = (Memory::default(), Descriptions::default());
        for n in 0..=KEPT {
            let id = format!("p{n}");
            put(&library, &id, &id).await;
            assert!(descriptions.get(&library, &id).await.unwrap().is_some());
        }
        let kept =
            || descriptions.0.lock().unwrap().iter().map(|pack| pack.pack_id.clone()).collect::<Vec<_>>();
        assert_eq!(kept().len(), KEPT);
        assert!(!kept().contains(&"p0".to_owned()));
        // Asked for again: the latest, and not read again.
        library.delete(&"p1/pack.json".parse().unwrap()).await.unwrap();
        assert!(descriptions.get(&library, "p1").await.unwrap().is_some());
        assert_eq!(kept()[0], "p1");
        assert!(descriptions.get(&library, "none").await.unwrap().is_none());
        put(&library, "q", "p1").await;
        assert!(descriptions.get(&library, "q").await.unwrap_err().to_string().contains("another pack's"));
    }
}
