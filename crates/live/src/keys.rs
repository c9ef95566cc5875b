//! The keys of a session, period after period.

use cenc::{
    AesCipher, CommonKey, ContentId, Iv, IvKey, Kid, Label, Level, Scheme, base_iv, derive_cek, derive_kid,
};
use cmaf::PeriodKey;

use crate::lives::Lives;
use crate::names::SessionId;
use crate::record::RecordedKeys;

/// Periods that are declared ahead of the one that is under way: players ask for their licenses before any
/// segment of them is published.
pub const AHEAD: u32 = 2;

/// From what a session's keys follow.
#[derive(Debug)]
pub struct Keys {
    common: CommonKey,
    /// What the license server knows the common key by.
    pub common_key_id: String,
    /// Content id of the derivation.
    pub content_id: ContentId,
    /// Label of the derivation.
    pub label: Label,
    /// How samples are encrypted.
    pub scheme: Scheme,
    /// Which samples of pictures.
    pub level: Level,
    /// Segments under each key; 0: the key never changes.
    pub segments_per_key: u32,
    /// By which numbers belong to periods.
    pub(crate) lives: Lives,
}

impl Keys {
    /// Keys that follow from a common key, as those of films do (docs/protocol.md, section 7).
    pub fn new(
        common: CommonKey,
        common_key_id: String,
        content_id: ContentId,
        (scheme, level): (Scheme, Level),
        segments_per_key: u32,
    ) -> Self {
        let (label, lives) = (Label::default(), Lives::default());
        Self { common, common_key_id, content_id, label, scheme, level, segments_per_key, lives }
    }

    /// Those that were written down; `None` where what was cannot be read.
    pub fn recorded(common: CommonKey, names: &RecordedKeys) -> Option<Self> {
        Some(Self {
            common,
            common_key_id: names.common_key_id.clone(),
            content_id: names.content_id.parse().ok()?,
            label: names.label.parse().ok()?,
            scheme: names.scheme.parse().ok()?,
            level: names.level.parse().ok()?,
            segments_per_key: names.segments_per_key,
            lives: Lives::default(),
        })
    }

    /// The period of a segment.
    pub fn period(&self, segment: u64) -> u32 {
        self.period_of_place(self.lives.place(segment))
    }

    fn period_of_place(&self, place: u64) -> u32 {
        let period = place.checked_div(self.segments_per_key.into()).unwrap_or(0);
        u32::try_from(period).unwrap_or(u32::MAX)
    }

    /// The first segment of a period.
    pub fn first_segment(&self, period: u32) -> u64 {
        self.lives.first_number(u64::from(period) * u64::from(self.segments_per_key))
    }

    /// The periods to declare while there are the segments from `oldest` to `latest`: theirs, and the next
    /// ones. Places may go back from one life of the session to the next, and periods with them.
    pub fn declared(&self, oldest: u64, latest: u64) -> std::ops::RangeInclusive<u32> {
        if self.segments_per_key == 0 {
            return 0..=0;
        }
        let (low, high) = self.lives.places(oldest, latest);
        let ahead = self.period(latest).saturating_add(AHEAD);
        self.period_of_place(low)..=self.period_of_place(high).max(ahead)
    }

    /// The key's name in a period.
    pub fn kid(&self, period: u32) -> Kid {
        derive_kid(&self.common, &self.content_id, &self.label, period)
    }

    pub(crate) fn key(&self, period: u32) -> PeriodKey {
        let cek = derive_cek(&self.common, &self.content_id, &self.label, period);
        PeriodKey { kid: self.kid(period), cipher: AesCipher::new(&cek) }
    }

    /// The first IV of a representation: it follows from the session's random id, so that no other session,
    /// after a crash or otherwise, counts from the same place.
    pub(crate) fn base_iv(&self, representation: &str, session: SessionId) -> Result<Iv, cenc::Error> {
        let key = IvKey::Common(&self.common);
        base_iv(key, self.scheme, &self.content_id, representation, &session.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(segments_per_key: u32) -> Keys {
        let common = CommonKey::new([7; 16]);
        let content = "live/a/b".parse().unwrap();
        Keys::new(common, "k1".into(), content, (Scheme::Cenc, Level::High), segments_per_key)
    }

    /// B85: the keys of the next two periods are declared before any of their segments is published.
    #[test]
    fn b85_two_periods_are_declared_ahead() {
        let rotating = keys(5);
        assert_eq!([0, 4, 5, 14].map(|n| rotating.period(n)), [0, 0, 1, 2]);
        assert_eq!((rotating.declared(0, 0), rotating.declared(6, 14)), (0..=2, 1..=4));
        assert_eq!(rotating.first_segment(3), 15);
        assert_ne!(rotating.kid(0), rotating.kid(1));
        assert_eq!((keys(0).period(9999), keys(0).declared(3, 9)), (0, 0..=0));
    }

    #[test]
    fn sessions_count_their_ivs_from_other_places() {
        let iv = |session: u8, rep: &str| keys(0).base_iv(rep, SessionId([session; 16])).unwrap();
        assert_ne!(iv(1, "v720-1"), iv(2, "v720-1"));
        assert_ne!(iv(1, "v720-1"), iv(1, "v360-1"));
    }
}
