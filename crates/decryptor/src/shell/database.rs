//! What is kept over restarts, in IndexedDB: the device's keys by account; its certificate, sequence counter;
//! the clock's anchor.

use drm_api::DrmError;
use js_sys::{Function, Object, Promise, Uint8Array};
use license::{DomainEpoch, RsaModulus, SigningPublicKey, Version};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{IdbDatabase, IdbObjectStore, IdbRequest, IdbTransaction, IdbTransactionMode};

use super::interop::{object, octets, property, storage};
use super::keys::{self, RsaPair, RsaPrivate, SigningPair};
use crate::Anchor;

/// Device keys: account → {signing, signingPublic, rsa, rsaModulus}.
const KEYS: &str = "keys";
/// Device certificates: component → COSE octets.
const CERTIFICATES: &str = "certificates";
/// Last sequence number given out: component → number.
const SEQUENCES: &str = "sequences";
/// `anchor` → {signed, known, wall}; `oldest-module` → text; `license/{component}/{stream id}` → {license,
/// key, challenge}; `domain-{name}-{epoch}` → private key.
const STATE: &str = "state";

/// The module's database, shared by all tabs of the profile.
#[derive(Clone)]
pub(super) struct Database(IdbDatabase);

/// A device's key pairs.
#[derive(Clone)]
pub(super) struct DeviceKeys {
    pub(super) signing: SigningPair,
    pub(super) rsa: RsaPair,
}

impl DeviceKeys {
    fn to_record(&self) -> Object {
        object(&[
            ("signing", &self.signing.stored()),
            ("signingPublic", &Uint8Array::from(self.signing.public.as_bytes().as_slice())),
            ("rsa", &keys::rsa_to_stored(&self.rsa.private)),
            ("rsaModulus", &Uint8Array::from(self.rsa.modulus.as_bytes().as_slice())),
        ])
    }

    fn from_record(record: &JsValue) -> Option<Self> {
        let public: [u8; 33] = octets(&property(record, "signingPublic")).try_into().ok()?;
        let public = SigningPublicKey::try_from(public).ok()?;
        let modulus = RsaModulus::try_from(octets(&property(record, "rsaModulus")).as_slice()).ok()?;
        Some(Self {
            signing: SigningPair::from_stored(property(record, "signing"), public)?,
            rsa: RsaPair { private: keys::rsa_from_stored(property(record, "rsa"))?, modulus },
        })
    }
}

impl Database {
    pub(super) async fn open(scope: &web_sys::WorkerGlobalScope) -> Result<Self, DrmError> {
        let none = || DrmError::Unsupported { what: "IndexedDB".into() };
        let factory = scope.indexed_db().map_err(storage)?.ok_or_else(none)?;
        let request = factory.open_with_u32(keys::DATABASE, 1).map_err(storage)?;
        let opening = request.clone();
        let upgrade = once(Box::new(move |_| {
            let Ok(Ok(database)) = opening.result().map(JsCast::dyn_into::<IdbDatabase>) else { return };
            for store in [KEYS, CERTIFICATES, SEQUENCES, STATE] {
                // A failure aborts the upgrade, and with it the opening.
                let _ = database.create_object_store(store);
            }
        }));
        request.set_onupgradeneeded(Some(&upgrade));
        let database = result_of(&request).await.map_err(storage)?;
        Ok(Self(database.unchecked_into()))
    }

    /// The account's device keys, if there are any.
    pub(super) async fn keys(&self, account: &str) -> Result<Option<DeviceKeys>, DrmError> {
        let record = self.read(KEYS, account).await?;
        Ok(if record.is_undefined() { None } else { DeviceKeys::from_record(&record) })
    }

    /// Stores device keys unless another tab was faster; gives those that are stored.
    pub(super) async fn add_keys(&self, account: &str, keys: DeviceKeys) -> Result<DeviceKeys, DrmError> {
        let (transaction, store) = self.begin(KEYS).map_err(storage)?;
        let record = keys.to_record();
        let adding = store.add_with_key(&record, &account.into());
        // The database has its copy.
        keys::wipe(&record);
        let added = match adding {
            Ok(request) => {
                let result = result_of(&request).await;
                result.and(done(&transaction).await)
            }
            Err(thrown) => Err(thrown),
        };
        match added {
            Ok(_) => Ok(keys),
            // ConstraintError: there are keys already.
            Err(thrown) => self.keys(account).await?.ok_or_else(|| storage(thrown)),
        }
    }

    /// Forgets an account's device keys.
    pub(super) async fn delete_keys(&self, account: &str) -> Result<(), DrmError> {
        let (transaction, store) = self.begin(KEYS).map_err(storage)?;
        store.delete(&account.into()).map_err(storage)?;
        done(&transaction).await.map(drop).map_err(storage)
    }

    /// The certificate of a component.
    pub(super) async fn certificate(&self, component: &str) -> Result<Option<Vec<u8>>, DrmError> {
        let stored = self.read(CERTIFICATES, component).await?;
        Ok(if stored.is_undefined() { None } else { Some(octets(&stored)) })
    }

    pub(super) async fn set_certificate(&self, component: &str, certificate: &[u8]) -> Result<(), DrmError> {
        self.write(CERTIFICATES, component, &Uint8Array::from(certificate)).await
    }

    /// The next sequence number of a component: one transaction, so no two tabs get the same.
    pub(super) async fn next_sequence(&self, component: &str) -> Result<u64, DrmError> {
        let next = async {
            let (transaction, store) = self.begin(SEQUENCES)?;
            let key = JsValue::from(component);
            let last = result_of(&store.get(&key)?).await?.as_f64().unwrap_or(0.0);
            let next = last + 1.0;
            store.put_with_key(&next.into(), &key)?;
            done(&transaction).await?;
            Ok(next as u64)
        };
        next.await.map_err(storage)
    }

    /// A domain's private key.
    pub(super) async fn domain_key(&self, of: DomainEpoch) -> Result<Option<RsaPrivate>, DrmError> {
        Ok(keys::rsa_from_stored(self.read(STATE, &name_of(of)).await?))
    }

    pub(super) async fn set_domain_key(&self, of: DomainEpoch, key: &RsaPrivate) -> Result<(), DrmError> {
        self.write(STATE, &name_of(of), &keys::rsa_to_stored(key)).await
    }

    pub(super) async fn anchor(&self) -> Result<Option<Anchor>, DrmError> {
        let stored = self.read(STATE, "anchor").await?;
        let number = |name| property(&stored, name).as_f64();
        Ok(number("signed").zip(number("wall")).map(|(signed, wall)| {
            // Earlier versions kept no more than the signed time.
            Anchor { signed: signed as u64, known: number("known").unwrap_or(signed), wall }
        }))
    }

    /// Keeps an anchor, unless another tab has kept a later one.
    pub(super) async fn set_anchor(&self, Anchor { signed, known, wall }: Anchor) -> Result<(), DrmError> {
        let signed = signed as f64;
        let record = object(&[("signed", &signed.into()), ("known", &known.into()), ("wall", &wall.into())]);
        let keep = async {
            let (transaction, store) = self.begin(STATE)?;
            let key = JsValue::from("anchor");
            let kept = result_of(&store.get(&key)?).await?;
            let kept = |name| property(&kept, name).as_f64();
            if (kept("signed"), kept("known")) < (Some(signed), Some(known)) {
                store.put_with_key(&record, &key)?;
            }
            done(&transaction).await.map(drop)
        };
        keep.await.map_err(storage)
    }

    /// Takes a server's word for the oldest module version still trusted, keeps the highest ever named and
    /// gives it. One transaction: another tab may have heard of a higher one.
    pub(super) async fn raise_oldest_module(
        &self,
        named: Option<Version>,
    ) -> Result<Option<Version>, DrmError> {
        let raise = async {
            let (transaction, store) = self.begin(STATE)?;
            let key = JsValue::from("oldest-module");
            let kept = result_of(&store.get(&key)?).await?.as_string().and_then(|text| text.parse().ok());
            if let Some(version) = named
                && named > kept
            {
                store.put_with_key(&version.to_string().into(), &key)?;
            }
            done(&transaction).await.map(|_| named.max(kept))
        };
        raise.await.map_err(storage)
    }

    /// A license that is kept; `undefined` if there is none.
    pub(super) async fn kept(&self, name: &str) -> Result<JsValue, DrmError> {
        self.read(STATE, name).await
    }

    pub(super) async fn keep(&self, name: &str, record: &JsValue) -> Result<(), DrmError> {
        self.write(STATE, name, record).await
    }

    /// Forgets what is kept under one name (text) or a range of names.
    pub(super) async fn forget(&self, names: &JsValue) -> Result<(), DrmError> {
        let forget = async {
            let (transaction, store) = self.begin(STATE)?;
            store.delete(names)?;
            done(&transaction).await.map(drop)
        };
        forget.await.map_err(storage)
    }

    fn begin(&self, store: &str) -> Result<(IdbTransaction, IdbObjectStore), JsValue> {
        let transaction = self.0.transaction_with_str_and_mode(store, IdbTransactionMode::Readwrite)?;
        let store = transaction.object_store(store)?;
        Ok((transaction, store))
    }

    async fn read(&self, store: &str, key: &str) -> Result<JsValue, DrmError> {
        let read = async {
            let store = self.0.transaction_with_str(store)?.object_store(store)?;
            result_of(&store.get(&key.into())?).await
        };
        read.await.map_err(storage)
    }

    async fn write(&self, store: &str, key: &str, value: &JsValue) -> Result<(), DrmError> {
        let write = async {
            let (transaction, store) = self.begin(store)?;
            store.put_with_key(value, &key.into())?;
            done(&transaction).await.map(drop)
        };
        write.await.map_err(storage)
    }
}

fn name_of(of: DomainEpoch) -> String {
    format!("domain-{}-{}", of.domain.name(), of.epoch)
}

/// A handler for one event. All have one type, so that the glue for closures is there once.
fn once(handler: Box<dyn FnOnce(JsValue)>) -> Function {
    Closure::once_into_js(handler).unchecked_into()
}

/// Waits for a request; its result, or its error.
fn result_of(request: &IdbRequest) -> JsFuture {
    let promise = Promise::new(&mut |resolve, reject| {
        let this = request.clone();
        let success = once(Box::new(move |_| {
            let _ = resolve.call1(&JsValue::UNDEFINED, &this.result().unwrap_or(JsValue::UNDEFINED));
        }));
        let this = request.clone();
        let error = once(Box::new(move |event| {
            // Handled here: it must not reach the global scope.
            event.unchecked_into::<web_sys::Event>().prevent_default();
            let error = this.error().ok().flatten().map_or(JsValue::UNDEFINED, JsValue::from);
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        }));
        request.set_onsuccess(Some(&success));
        request.set_onerror(Some(&error));
    });
    JsFuture::from(promise)
}

/// Waits until a transaction is complete.
fn done(transaction: &IdbTransaction) -> JsFuture {
    let promise = Promise::new(&mut |resolve, reject| {
        let this = transaction.clone();
        let abort = once(Box::new(move |_| {
            let error = this.error().map_or(JsValue::UNDEFINED, JsValue::from);
            let _ = reject.call1(&JsValue::UNDEFINED, &error);
        }));
        transaction.set_oncomplete(Some(&resolve));
        transaction.set_onabort(Some(&abort));
    });
    JsFuture::from(promise)
}
