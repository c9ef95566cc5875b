//! Who speaks in a request: a device of an account, with the ticket that says so.

use crate::store::{Account, Device, Whereabouts};
use crate::visit::Visit;
use license::SigningPoint;

/// Known after a ticket was checked, or once a message has given one. The transaction has locked the account.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) account: Account,
    pub(crate) device: Device,
    /// The ticket's text: challenges carry its SHA-256.
    pub(crate) ticket: String,
    /// P-256 key: the ticket's, and so the one that signed the request.
    pub(crate) point: SigningPoint,
    /// Where it speaks from, among its networks; `None` where that is not known.
    pub(crate) whereabouts: Option<Whereabouts>,
    /// What its ticket is limited to, where it came by a grant.
    pub(crate) visit: Option<Visit>,
}
