//! What everything in the module stands on: the worker's scope, the site's configuration, the sessions, the
//! database.

use std::cell::RefCell;

use drm_api::{DrmError, PolicyReason};
use license::Version;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::WorkerGlobalScope;

use super::config::Config;
use super::database::Database;
use super::keys::{Crypto, RsaPrivate, subtle};
use crate::{Cdm, Clocks, module_version};

/// What one page's module has, but for who it is.
pub(super) struct Module {
    pub(super) scope: WorkerGlobalScope,
    pub(super) config: Config,
    /// The page's.
    pub(super) origin: String,
    pub(super) cdm: RefCell<Cdm<RsaPrivate>>,
    database: RefCell<Option<Database>>,
}

/// The machine's clock, Unix seconds.
pub(super) fn wall() -> f64 {
    js_sys::Date::now() / 1000.0
}

fn clocks(scope: &WorkerGlobalScope) -> Clocks {
    let monotonic = scope.performance().map_or(0.0, |performance| performance.now());
    Clocks { wall: wall(), monotonic: monotonic / 1000.0 }
}

impl Module {
    /// A module for the object of `/decryptor-config.json`.
    pub(super) fn new(config: &JsValue) -> Result<Self, JsValue> {
        let scope: WorkerGlobalScope =
            js_sys::global().dyn_into().map_err(|_| JsValue::from("not a worker"))?;
        let config = Config::read(config).ok_or_else(|| JsValue::from("an incomplete configuration"))?;
        let cdm = RefCell::new(Cdm::new(None, clocks(&scope)));
        let origin = scope.location().origin();
        Ok(Self { scope, config, origin, cdm, database: RefCell::default() })
    }

    pub(super) fn subtle(&self) -> Result<Crypto, DrmError> {
        subtle(&self.scope)
    }

    pub(super) fn clocks(&self) -> Clocks {
        clocks(&self.scope)
    }

    /// Trusted time, Unix seconds.
    pub(super) fn now(&self) -> u64 {
        self.cdm.borrow().time.now(self.clocks())
    }

    /// Takes a signed time that was asked for.
    pub(super) fn learn_time(&self, signed: u64, asked: Clocks) {
        self.cdm.borrow_mut().time.learn(signed, asked, self.clocks());
        self.keep_time();
    }

    /// Keeps what is known of the time, where that is due. Nobody waits for that: not keeping it costs only
    /// the memory of it after a restart.
    pub(super) fn keep_time(&self) {
        let Some(database) = self.database.borrow().clone() else { return };
        if let Some(anchor) = self.cdm.borrow_mut().time.to_keep(self.clocks()) {
            spawn_local(async move { drop(database.set_anchor(anchor).await) });
        }
    }

    /// The database, opened at first use; the clock's anchor is read along.
    pub(super) async fn database(&self) -> Result<Database, DrmError> {
        if let Some(database) = self.database.borrow().as_ref() {
            return Ok(database.clone());
        }
        let database = Database::open(&self.scope).await?;
        let kept = database.anchor().await?;
        self.cdm.borrow_mut().time = crate::TrustedTime::new(kept, self.clocks());
        *self.database.borrow_mut() = Some(database.clone());
        Ok(database)
    }
}

/// Takes a server's word for the oldest module still trusted, and refuses to be older than any server ever
/// named.
pub(super) async fn check_version(database: &Database, named: Option<Version>) -> Result<(), DrmError> {
    match database.raise_oldest_module(named).await? > Some(module_version()) {
        true => Err(DrmError::PolicyRefused { reason: PolicyReason::Module }),
        false => Ok(()),
    }
}
