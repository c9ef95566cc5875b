//! The keys of a film that is to be packaged: the site's, the operator's, or those of a document of others
//! (CPIX); and documents of a film's keys.

use super::key_server::KeyServer;
use super::{block_on, given_keys, now};
use crate::Failure;
use crate::args::Package;
use cenc::{CommonKey, ContentId, Kid, KidAndKey, Label};
use cpix::{Document, Recipient, RecipientKey, Request};
use pack::{Pack, Scheme};
use packager::Keys;
use server::Config;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The keys of a film, and what is to be done with them when it is packaged.
pub(super) struct Chosen {
    pub(super) keys: Option<Keys>,
    pub(super) after: After,
}

/// What is to be done with keys when the film is packaged.
pub(super) struct After {
    /// Those that were given, for licenses.
    given: Vec<KidAndKey>,
    /// Whether the film must have all of these: a document may have keys of sizes that it lacks.
    all: bool,
    file: Option<KeyFile>,
}

/// Chooses the keys of a movie's film by the command's options.
pub(super) fn choose(config: &Config, package: &Package, movie: u64) -> Result<Chosen, Failure> {
    let exchange = &package.exchange;
    if matches!(package.scheme, Scheme::None) {
        if package.keys.cpix.is_some() || exchange.speke.is_some() || exchange.cpix_out.is_some() {
            let what = "with --scheme none there are no keys: no --cpix, --speke, --cpix-out";
            return Err(Failure::Usage(what.to_owned()));
        }
        given_keys::listed(&package.keys)?;
        return Ok(Chosen { keys: None, after: After { given: Vec::new(), all: true, file: None } });
    }
    let recipients =
        exchange.cpix_recipients.iter().map(|path| given_keys::certificate("--cpix-recipient", path));
    let recipients = recipients.collect::<Result<Vec<_>, Failure>>()?;
    let file = exchange.cpix_out.as_deref().map(|path| KeyFile::new(path, recipients)).transpose()?;
    let (content, label) = (ContentId::of_movie(movie), Label::default());
    let (given, all, keys) = match document(package, movie)? {
        Some(document) => {
            let given = document.keys.iter().map(|key| given_keys::copy(&key.key)).collect();
            (given, false, Keys::exchanged(document, content, label)?)
        }
        None => {
            let listed = given_keys::listed(&package.keys)?;
            let given = listed.iter().map(given_keys::copy).collect();
            let mut listed = listed.into_iter();
            let keys = match listed.next() {
                Some(first) => Keys::given(first, listed.collect(), content, label),
                None => site_key(config, movie)?,
            };
            (given, true, keys)
        }
    };
    Ok(Chosen { keys: Some(keys), after: After { given, all, file } })
}

impl After {
    /// Writes the file that was asked for; the keys to keep with the packaged film.
    pub(super) fn kept(self, pack: &Pack, keys: Option<&Keys>) -> Result<Vec<KidAndKey>, Failure> {
        let given = self.given_of(pack);
        if let (Some(file), Some(keys)) = (self.file, keys) {
            file.write(pack, keys)?;
        }
        Ok(given)
    }

    /// The keys to keep with the packaged film.
    pub(super) fn given_of(&self, pack: &Pack) -> Vec<KidAndKey> {
        let kids: Vec<Kid> = pack.protection.iter().flat_map(|p| &p.keys).map(|key| key.kid).collect();
        let kept = self.given.iter().filter(|key| self.all || kids.contains(&key.kid));
        kept.map(given_keys::copy).collect()
    }
}

/// The key that follows from the site's common key; the keys are made if there are none yet.
pub(super) fn site_key(config: &Config, movie: u64) -> Result<Keys, Failure> {
    let ring = server::keys::open(&config.keys(), &config.public_url, &[], now())?;
    let (id, common) = ring.active_common_key();
    let common = CommonKey::new(*common.expose());
    Ok(Keys::derived(common, id.to_owned(), ContentId::of_movie(movie), Label::default()))
}

/// The document that `--cpix` names, or that a key server answers with.
fn document(package: &Package, movie: u64) -> Result<Option<Document>, Failure> {
    if let Some(path) = &package.keys.cpix {
        return given_keys::document(path, package.keys.cpix_key.as_deref()).map(Some);
    }
    let Some(url) = &package.exchange.speke else { return Ok(None) };
    let scheme = match package.scheme {
        Scheme::Cbcs => cenc::Scheme::Cbcs,
        _ => cenc::Scheme::Cenc,
    };
    let (key, recipient) = opener(package)?;
    let server = KeyServer::new(url, package.exchange.speke_header_file.as_deref())?;
    let own = format!("movie/{movie}");
    let request = Request {
        content_id: package.exchange.speke_content_id.as_deref().unwrap_or(&own),
        kid: random_kid()?,
        scheme,
        systems: &package.exchange.speke_systems,
        recipient: recipient.as_ref(),
    };
    let answer = block_on(server.ask(&request.to_xml()))?;
    let failed =
        |reason: &dyn std::fmt::Display| Failure::Command(format!("the key server's answer: {reason}"));
    let document = given_keys::parse(&answer, key.as_ref()).map_err(|error| failed(&error))?;
    match document.keys.iter().any(|key| key.key.kid == request.kid) {
        true => Ok(Some(document)),
        false => Err(failed(&"it has not the key that was asked for")),
    }
}

/// What a key server's answer is opened with, and whom the server is told to encrypt for: where there is a
/// private key, an answer with plain keys is none.
fn opener(package: &Package) -> Result<(Option<RecipientKey>, Option<Recipient>), Failure> {
    let exchange = &package.exchange;
    let Some(path) = &package.keys.cpix_key else { return Ok((None, None)) };
    if exchange.speke_header_file.as_ref() == Some(path) {
        let what = "--cpix-key and --speke-header-file name the same file, or both standard input";
        return Err(Failure::Usage(what.to_owned()));
    }
    let key = given_keys::private_key(path)?;
    let named = exchange.speke_certificate.as_deref();
    let recipient = named.map(|path| given_keys::certificate("--speke-certificate", path)).transpose()?;
    if recipient.as_ref().is_some_and(|recipient| !key.is_of(recipient)) {
        let what = "--speke-certificate: it is not of the private key that --cpix-key names";
        return Err(Failure::Usage(what.to_owned()));
    }
    Ok((Some(key), recipient))
}

/// A random UUID (RFC 9562, version 4): a film that is packaged again gets another key.
fn random_kid() -> Result<Kid, Failure> {
    let mut kid = [0; 16];
    getrandom::fill(&mut kid).map_err(|_| Failure::Command("there is no randomness".to_owned()))?;
    kid[6] = kid[6] & 0x0f | 0x40;
    kid[8] = kid[8] & 0x3f | 0x80;
    Ok(Kid(kid))
}

/// A new file for a document of keys, which is gone again unless it is written.
struct KeyFile {
    path: PathBuf,
    file: File,
    /// Whom its keys are encrypted for; none: they are plain.
    recipients: Vec<Recipient>,
    written: bool,
}

impl KeyFile {
    /// Makes it, for its owner alone.
    fn new(path: &Path, recipients: Vec<Recipient>) -> Result<Self, Failure> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = made.map_err(|error| Self::failed(path, &error))?;
        Ok(Self { path: path.into(), file, recipients, written: false })
    }

    /// Writes the keys of a film.
    fn write(mut self, pack: &Pack, keys: &Keys) -> Result<(), Failure> {
        let document = packager::document_of(pack, keys)?;
        let text = match &self.recipients[..] {
            [] => document.to_xml(),
            recipients => {
                let text = document.to_xml_for(recipients);
                text.map(Zeroizing::new).map_err(|error| Self::failed(&self.path, &error))?
            }
        };
        let done = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_all());
        done.map_err(|error| Self::failed(&self.path, &error))?;
        self.written = true;
        Ok(())
    }

    fn failed(path: &Path, reason: &dyn std::fmt::Display) -> Failure {
        Failure::Command(format!("--cpix-out {}: {reason}", path.display()))
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        if !self.written {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
