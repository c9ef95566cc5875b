//! What the player and the pages ask the controller.

mod license;
mod opening;

pub use license::Licensed;
pub use opening::{Opened, Opening};

use std::{collections::HashSet, rc::Rc};

use drm_api::cdm::SessionId;
use nccp::{DeviceId, Manifest, MovieId, RequestMessage, ResponseMessage, json::Library};

use super::{Ask, Error, Grants, driver::Driver};
use crate::{clock, decryptor_proxy::DecryptorProxy};
use opening::Openings;

/// The control client. Clones share one queue, so that waiting messages go in one POST.
#[derive(Clone)]
pub struct Control {
    pub(super) driver: Rc<Driver>,
    openings: Rc<Openings>,
}

impl PartialEq for Control {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.driver, &other.driver)
    }
}

impl Control {
    /// Opens the account's identity in the worker (individualizing where there is none) and makes a client
    /// for it.
    ///
    /// # Errors
    /// The worker's.
    pub async fn open(proxy: Rc<DecryptorProxy>, account: &str, release: String) -> Result<Self, Error> {
        let driver = Driver::open(proxy, account, release, None).await?;
        Ok(Self { driver, openings: Rc::default() })
    }

    /// The same in another site's page: it registers by grants, whoever is signed in here.
    ///
    /// # Errors
    /// The worker's.
    pub async fn open_granted(
        proxy: Rc<DecryptorProxy>,
        account: &str,
        release: String,
        grants: Grants,
    ) -> Result<Self, Error> {
        let driver = Driver::open(proxy, account, release, Some(grants)).await?;
        Ok(Self { driver, openings: Rc::default() })
    }

    /// The ticket that a page without cookies shows to the site.
    pub fn page_ticket(&self) -> Option<String> {
        self.driver.page_ticket()
    }

    /// The DRM worker.
    pub fn proxy(&self) -> &Rc<DecryptorProxy> {
        &self.driver.proxy
    }

    /// The account that this client speaks for.
    pub fn account(&self) -> String {
        self.driver.account()
    }

    /// Notes from the library which films bring their license along, so that none is asked for.
    pub fn note_embedded(&self, library: &Library) {
        let films = library.movies.iter().filter(|film| film.embedded).map(|film| film.movie_id);
        self.openings.embedded.replace(films.collect::<HashSet<_>>());
    }

    /// Unix time as the server has it.
    pub fn server_now(&self) -> f64 {
        clock::unix_now() + self.driver.clock_offset()
    }

    /// Makes sure of a good ticket: nothing to do, a renewal, or a registration.
    ///
    /// # Errors
    /// `DEVICE_LIMIT_REACHED`, `LOGIN_REQUIRED` and the like, after what could be tried was tried.
    pub async fn ensure_registered(&self) -> Result<(), Error> {
        self.ask(Ask::Registration).await?;
        if self.openings.spare_session.get().is_none() {
            self.make_spare_session();
        }
        Ok(())
    }

    /// Sends a message with the next envelope. Messages that are asked for before the browser gets to it go
    /// together.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn ask(&self, ask: Ask) -> impl Future<Output = Result<ResponseMessage, Error>> + use<> {
        self.driver.ask(ask)
    }

    /// The film's manifest, with the next envelope.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn authorize(&self, movie_id: MovieId) -> impl Future<Output = Result<Manifest, Error>> + use<> {
        let answer = self.ask(Ask::Message(RequestMessage::Authorization { movie_id }));
        async move {
            match answer.await? {
                ResponseMessage::Authorization(manifest) => Ok(*manifest),
                _ => Err(Error::Protocol),
            }
        }
    }

    /// Ends what plays on another device of the account, so that this one may play the film.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn take_over(&self, movie_id: MovieId, device_id: DeviceId) -> Result<(), Error> {
        let message = RequestMessage::Takeover { movie_id, device_id };
        self.ask(Ask::Message(message)).await.map(drop)
    }

    /// A license for every key of a film, with the next envelope.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn license(
        &self,
        session: SessionId,
        movie: MovieId,
    ) -> impl Future<Output = Result<Licensed, Error>> + use<> {
        self.license_by(session, movie, Vec::new())
    }

    /// A license for the keys that signed DRM metadata names: from the license server that it names, or,
    /// where there is none or it cannot be reached, with the next envelope.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn license_by(
        &self,
        session: SessionId,
        movie: MovieId,
        metadata: Vec<u8>,
    ) -> impl Future<Output = Result<Licensed, Error>> + use<> {
        let answer = self.ask(Ask::License { session, movie, metadata });
        async move {
            match answer.await? {
                ResponseMessage::License { license, policy_version, .. } => {
                    Ok(Licensed::Fresh(license, policy_version))
                }
                _ => Err(Error::Protocol),
            }
        }
    }
}
