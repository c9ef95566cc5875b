//! Documents of a film's keys.

use cpix::{ContentKey, Document, TrackFilter, UsageRule};
use pack::{MediaType, Pack, PackKey, Representation, Scheme};

use crate::{Error, Keys};

/// A document of a film's keys: what they are for, and what other systems are told of them. From it the film
/// can be packaged again, and other packagers and key servers can take it.
///
/// # Errors
/// [`Error::Keys`] for a film without keys, or with others than these; or if the rules of CPIX cannot say
/// which of its keys is for what.
pub fn document_of(pack: &Pack, keys: &Keys) -> Result<Document, Error> {
    let scheme = match pack.scheme {
        Scheme::Cenc => cenc::Scheme::Cenc,
        Scheme::Cbcs => cenc::Scheme::Cbcs,
        Scheme::None => return Err(Error::Keys { what: "the film is clear: it has no keys".to_owned() }),
    };
    let Some(protection) = &pack.protection else {
        return Err(Error::Keys { what: "the film has no keys".to_owned() });
    };
    let mut document = Document {
        content_id: Some(protection.content_id.to_string()),
        systems: protection.systems.clone(),
        ..Document::default()
    };
    let one_label = protection.keys.iter().all(|key| key.label.is_none());
    let rotates = protection.keys.iter().any(|key| key.period > 0);
    for name in &protection.keys {
        let of_key = pack.representations.iter().filter(|r| r.label == name.label);
        let ivs = of_key.filter_map(|r| r.ivs.as_ref()).filter(|ivs| ivs.explicit);
        let iv = ivs.into_iter().find_map(|ivs| hex::decode(&ivs.first).ok()?.try_into().ok());
        document.keys.push(ContentKey { key: keys.named(name)?, scheme: Some(scheme), iv });
        let tracks = match one_label {
            true => vec![TrackFilter::VIDEO, TrackFilter::AUDIO],
            false => filters(pack, name)?,
        };
        let periods = if rotates { vec![name.period] } else { Vec::new() };
        document.rules.push(UsageRule { kid: name.kid, periods, tracks });
    }
    Ok(document)
}

/// Which tracks a key is for, where it is not for all.
fn filters(pack: &Pack, name: &PackKey) -> Result<Vec<TrackFilter>, Error> {
    let sounds_differ = {
        let mut labels = pack.representations.iter().filter(|r| r.media_type == MediaType::Audio);
        let first = labels.next().map(|r| &r.label);
        labels.any(|r| Some(&r.label) != first)
    };
    let filter = |r: &Representation| match (&r.video, &r.audio) {
        (Some(video), _) => {
            let pixels = u64::from(video.width) * u64::from(video.height);
            Some(TrackFilter::Video { pixels: pixels..=pixels })
        }
        (None, Some(audio)) if sounds_differ => {
            Some(TrackFilter::Audio { channels: audio.channels.into()..=audio.channels.into() })
        }
        (None, Some(_)) => Some(TrackFilter::AUDIO),
        (None, None) => None,
    };
    let mut filters: Vec<TrackFilter> = Vec::new();
    for r in pack.representations.iter().filter(|r| r.label == name.label) {
        filters.extend(filter(r).filter(|filter| !filters.contains(filter)));
    }
    let others = pack.representations.iter().filter(|r| r.label != name.label).filter_map(filter);
    match others.into_iter().any(|other| filters.contains(&other)) {
        true => Err(Error::Keys {
            what: "pictures of one size, or sounds with as many channels, are under different keys: CPIX cannot say that"
                .to_owned(),
        }),
        false => Ok(filters),
    }
}
