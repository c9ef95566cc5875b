use cenc::{Cek, CommonKey, ContentId, IvKey, Kid, KidAndKey, Label, derive_cek, derive_kid};

use crate::pack::{Fraction, PackKey, PackProtection};

/// The key of a film, and under which name.
#[derive(Debug)]
pub struct Keys {
    content_id: ContentId,
    label: Label,
    source: KeySource,
}

#[derive(Debug)]
enum KeySource {
    Derived { common: CommonKey, common_key_id: String },
    Given(KidAndKey),
}

impl Keys {
    /// The key that follows from a common key (PROTOCOL §4). `common_key_id` is what the license server knows the
    /// common key by.
    pub const fn derived(
        common: CommonKey,
        common_key_id: String,
        content_id: ContentId,
        label: Label,
    ) -> Self {
        Self { content_id, label, source: KeySource::Derived { common, common_key_id } }
    }

    /// A key chosen by the operator.
    pub const fn given(key: KidAndKey, content_id: ContentId, label: Label) -> Self {
        Self { content_id, label, source: KeySource::Given(key) }
    }

    /// The content key of period 0.
    pub fn cek(&self) -> Cek {
        match &self.source {
            KeySource::Derived { common, .. } => derive_cek(common, &self.content_id, &self.label, 0),
            KeySource::Given(key) => Cek::new(*key.cek.expose()),
        }
    }

    /// The KID of period 0.
    pub fn kid(&self) -> Kid {
        match &self.source {
            KeySource::Derived { common, .. } => derive_kid(common, &self.content_id, &self.label, 0),
            KeySource::Given(key) => key.kid,
        }
    }

    pub(crate) const fn iv_key(&self) -> IvKey<'_> {
        match &self.source {
            KeySource::Derived { common, .. } => IvKey::Common(common),
            KeySource::Given(key) => IvKey::Given(&key.cek),
        }
    }

    pub(crate) const fn content_id(&self) -> &ContentId {
        &self.content_id
    }

    /// What `pack.json` says.
    pub(crate) fn protection(&self) -> PackProtection {
        PackProtection {
            content_id: self.content_id.clone(),
            label: self.label.clone(),
            common_key_id: match &self.source {
                KeySource::Derived { common_key_id, .. } => Some(common_key_id.clone()),
                KeySource::Given(_) => None,
            },
            keys: vec![PackKey { kid: self.kid(), period: 0, start: Fraction { value: 0, timescale: 1 } }],
        }
    }
}
