//! The device: its identity, the envelopes that it signs, the domain keys that were sealed for it.

use std::cell::RefCell;
use std::rc::Rc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use drm_api::DrmError;
use drm_api::device::{Element, Reply, Request};
use license::{DomainEpoch, sha256, split_domain_key};
use nccp::{DeviceId, Messages, Sequence};

use super::identity::Identity;
use super::interop::{from_hex, state};
use super::kept;
use super::keys::{begin_decrypt_oaep, finish_decrypt_oaep, import_domain_key};
use super::module::{Module, check_version, wall};

/// Who this profile is, once an identity is open.
#[derive(Default)]
pub(super) struct Device(RefCell<Option<Rc<Identity>>>);

impl Device {
    /// The identity in use.
    pub(super) fn identity(&self) -> Result<Rc<Identity>, DrmError> {
        self.0.borrow().clone().ok_or_else(|| state("no identity is open"))
    }

    /// Handles one request.
    pub(super) async fn handle(&self, module: &Module, request: Request) -> Result<Reply, DrmError> {
        match request {
            Request::Open { account, release } => self.open(module, account, from_hex(&release), false).await,
            Request::Individualize => {
                let identity = self.identity()?;
                self.open(module, identity.account.clone(), identity.release, true).await
            }
            Request::ResetIdentity => {
                let identity = self.identity()?;
                *self.0.borrow_mut() = None;
                let database = module.database().await?;
                kept::forget(&database, &identity.component, None).await?;
                database.delete_keys(&identity.account).await?;
                self.open(module, identity.account.clone(), identity.release, false).await
            }
            Request::Seal { device, ticket, messages, clock_offset } => {
                let ticket = ticket.as_deref().unwrap_or_default();
                let messages: Vec<_> = messages.into_iter().map(element).collect();
                let messages =
                    Messages::of(&messages).map_err(|_| state("messages that the protocol does not know"))?;
                self.seal(module, device, ticket, &messages, clock_offset).await
            }
            Request::KeepDomainKey { device, domain, epoch, key } => {
                self.keep_domain_key(module, &device, (&domain, epoch), &key).await
            }
            _ => Err(state("a request that this module does not know")),
        }
    }

    async fn open(
        &self,
        module: &Module,
        account: String,
        release: Option<[u8; 32]>,
        anew: bool,
    ) -> Result<Reply, DrmError> {
        let database = module.database().await?;
        check_version(&database, None).await?;
        let identity = Identity::open(module, &database, account, release, anew).await?;
        let reply = identity.reply();
        *self.0.borrow_mut() = Some(Rc::new(identity));
        Ok(reply)
    }

    async fn seal(
        &self,
        module: &Module,
        device: Option<String>,
        ticket: &str,
        messages: &Messages,
        clock_offset: f64,
    ) -> Result<Reply, DrmError> {
        let identity = self.identity()?;
        let device =
            device.map(DeviceId::try_from).transpose().map_err(|_| state("a malformed device id"))?;
        let sequence = module.database().await?.next_sequence(&identity.component).await?;
        let number = Sequence::try_from(sequence).map_err(|_| state("the sequence numbers are used up"))?;
        let client = concat!("matinee-web/", env!("CARGO_PKG_VERSION"));
        let (time, messages) = (server_time(clock_offset), messages.as_xml());
        let body = nccp::seal_envelope(device.as_ref(), number, time, client, messages);
        let input = nccp::signing_input(
            &module.config.controller_url,
            &sha256(body.as_bytes()),
            &sha256(ticket.as_bytes()),
        );
        let signature = identity.keys.signing.sign(&module.subtle()?, input.as_bytes()).await?;
        Ok(Reply::Sealed {
            sequence: sequence as f64,
            body,
            signature: Base64UrlUnpadded::encode_string(&signature),
        })
    }

    /// Takes a domain's private key that was sealed for this device, and keeps it where it cannot be read.
    async fn keep_domain_key(
        &self,
        module: &Module,
        device: &str,
        (domain, epoch): (&str, f64),
        sealed: &[u8],
    ) -> Result<Reply, DrmError> {
        let malformed = || state("a malformed domain key");
        let domain = domain.parse().map_err(|_| malformed())?;
        let of = DomainEpoch { domain, epoch: epoch as u64 };
        let (wrapped, sealed) = split_domain_key(sealed).map_err(|_| malformed())?;
        let (subtle, identity) = (module.subtle()?, self.identity()?);
        let decrypting = begin_decrypt_oaep(&subtle, &identity.keys.rsa.private, wrapped);
        let key = finish_decrypt_oaep(decrypting).await?;
        let key = import_domain_key(&subtle, &key, sealed, &of.additional_data(device)).await?;
        module.database().await?.set_domain_key(of, &key).await?;
        Ok(Reply::Done)
    }
}

fn element(of: Element) -> nccp::xml::Element {
    let Element { name, attributes, text, children } = of;
    nccp::xml::Element { name, attributes, text, children: children.into_iter().map(element).collect() }
}

/// The server's time as the page knows it, Unix seconds.
pub(super) fn server_time(clock_offset: f64) -> u64 {
    (wall() + clock_offset) as u64
}
