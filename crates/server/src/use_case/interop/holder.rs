//! Keys for a player of others that shows who is watching, by a device's ticket or a grant, in place of a
//! manifest's token. What a license would be refused for, this is refused for, too.
//!
//! There is no lease: such a player sends no reports that would keep it.

use super::{Allowed, Form, Refused, allowed, entry, given, names};
use crate::Service;
use crate::catalogue::Pack;
use crate::content_place::ContentPlace;
use crate::region::Place;
use crate::store::{Ahead, Movie, StoreError, Wants, retried};
use crate::ticket::Ticket;
use crate::use_case::entitlement::Entitlements;
use crate::use_case::speaker::Speaker;
use crate::use_case::verify::{self, Audience};
use crate::use_case::{Failure, Outcome, audit, content_keys, grants, networks, playable};
use cenc::{Cek, Kid};
use license::{Display, KeyLevel, KeyName, Situation};
use nccp::{ErrorCode, MovieId, ShownGrant};
use origin::scope::Form::Hls;
use std::sync::Arc;

/// What is shown.
pub(crate) enum Shown {
    /// `X-CTicket`.
    Ticket(String),
    /// What a backend got from `POST /api/grants`.
    Grant(String),
}

/// Who asks for keys of which movie.
pub(crate) struct Asking {
    pub(crate) shown: Shown,
    pub(crate) movie: MovieId,
    /// The page's origin, where the browser says.
    pub(crate) origin: Option<String>,
}

/// What was shown, opened: this site sealed it.
enum Holder {
    Device { ticket: Box<Ticket>, text: String },
    Guest { shown: ShownGrant, account: i64 },
}

impl Holder {
    fn open(service: &Service, audience: Audience, shown: &Shown) -> Outcome<Self> {
        match shown {
            Shown::Ticket(text) => {
                let opened = verify::open_ticket(service, Some(text.as_str()));
                let (ticket, text) = opened.map_err(|_| ErrorCode::NotAuthentic)?;
                match audience.admits(ticket.level) {
                    true => Ok(Self::Device { ticket: Box::new(ticket), text }),
                    false => Err(ErrorCode::NotAuthentic.into()),
                }
            }
            Shown::Grant(token) => {
                let shown = ShownGrant { token: token.clone(), origin: None };
                // What is over costs neither the database nor the operator's authorizer anything.
                let account = grants::account_of_unexpired(service, &shown).ok_or(ErrorCode::GrantInvalid)?;
                Ok(Self::Guest { shown, account })
            }
        }
    }

    fn account(&self) -> i64 {
        match self {
            Self::Device { ticket, .. } => ticket.account,
            Self::Guest { account, .. } => *account,
        }
    }

    fn device(&self) -> Option<&str> {
        match self {
            Self::Device { ticket, .. } => Some(ticket.device.as_str()),
            Self::Guest { .. } => None,
        }
    }
}

/// The keys that are asked for, as [`super::keys`] gives them.
pub(crate) async fn keys(
    service: &Service,
    audience: Audience,
    asking: &Asking,
    (form, asked): (Form, &[Kid]),
    place: &Place,
) -> Result<Vec<(Kid, Cek)>, Refused> {
    let holder = Holder::open(service, audience, &asking.shown)?;
    let given = for_holder(service, &holder, asking, (form, asked), place).await;
    if let Err(Refused::Policy(code)) = &given
        && ![ErrorCode::TryLater, ErrorCode::TicketExpired].contains(code)
    {
        let entry = entry(service, form, asking.movie.get(), place).of(holder.account());
        let entry = match holder.device() {
            Some(device) => entry.on(device),
            None => entry,
        };
        audit::alone(service, entry.result(code.as_str())).await;
    }
    given
}

async fn for_holder(
    service: &Service,
    holder: &Holder,
    asking: &Asking,
    (form, asked): (Form, &[Kid]),
    place: &Place,
) -> Result<Vec<(Kid, Cek)>, Refused> {
    let (now, id) = (service.clock.now(), asking.movie);
    if let Holder::Device { ticket, .. } = holder {
        if verify::is_revoked(service, ticket) {
            return Err(Refused::Policy(ErrorCode::CertificateInvalid));
        }
        if now >= ticket.expires {
            return Err(Refused::Policy(ErrorCode::TicketExpired));
        }
    }
    let read = retried!(async {
        let mut tx = service.store.read().await?;
        Ok::<_, StoreError>((tx.account(holder.account()).await?, tx.movie(id.get()).await?))
    });
    let (account, movie) = read.map_err(Failure::from)?;
    let account = account.ok_or(Refused::Policy(ErrorCode::DeviceUnknown))?;
    let movie = movie.ok_or(Refused::Policy(ErrorCode::MovieUnknown))?;
    let entitled = Entitlements::of_movie(service, &account, holder.device(), id, &["license"], place).await;
    entitled.check(&account, id).map_err(Refused::Policy)?;
    let pack = film_with(service, &movie, form, asked).await?;
    let allowed = allowed(service, pack.rules.over(movie)).filter(|allowed| form.is_given_by(allowed));
    let allowed = allowed.ok_or(Refused::Policy(ErrorCode::PolicyRefused))?;
    let names = names(&pack, form, asked).ok_or(Refused::Unknown)?;
    let film = Film { form, allowed, pack, names };
    Ok(retried!(give(service, holder, asking, &film, place, now))?)
}

/// The movie's film, in the form that has these keys: of a content that may be any of them, the one whose
/// segments are encrypted whole included.
async fn film_with(
    service: &Service,
    movie: &Movie,
    form: Form,
    asked: &[Kid],
) -> Result<Arc<Pack>, Refused> {
    let has = |pack: &Pack| asked.iter().all(|kid| pack.keys.iter().any(|key| key.kid == *kid));
    let found = service.film_with(&movie.pack, has).await;
    if form == Form::HlsKey
        && !found.as_ref().is_ok_and(|pack| has(pack))
        && let Ok(place) = movie.pack.parse::<ContentPlace>()
        && service.origin.has_form(&service.config, &place, Hls, service.clock.now()).await
    {
        let whole = ContentPlace { whole: true, ..place }.to_string();
        if let Ok(pack) = service.film_by(&whole, Hls).await
            && has(&pack)
        {
            return Ok(pack);
        }
    }
    found.map_err(|error| {
        tracing::error!(movie = movie.id, %error, "no keys can be given");
        Refused::Policy(ErrorCode::MovieNotAvailable)
    })
}

/// What keys are to be given of.
struct Film {
    form: Form,
    allowed: Allowed,
    pack: Arc<Pack>,
    names: Vec<KeyName>,
}

async fn give(
    service: &Service,
    holder: &Holder,
    asking: &Asking,
    film: &Film,
    place: &Place,
    now: u64,
) -> Outcome<Vec<(Kid, Cek)>> {
    let Film { form, allowed, pack, names } = film;
    let (mut tx, account, visit, heard) = match holder {
        Holder::Device { ticket, text } => {
            let wants = Wants::Movie(asking.movie.get());
            let ahead = Ahead { account: ticket.account, device: ticket.device.as_str(), wants, now };
            let (mut tx, found) = service.store.begin_for(&ahead).await?;
            let (account, mut device) = found.ok_or(ErrorCode::DeviceUnknown)?;
            if device.epoch != ticket.epoch {
                return Err(ErrorCode::SequenceOutOfOrder.into());
            }
            let whereabouts = networks::hear(&mut device, place, now);
            tx.set_sequence(&device.id, &device.state(now)).await?;
            let (ticket, point, visit) = (text.clone(), ticket.point, ticket.visit.clone());
            let speaker = Speaker { account, device, ticket, point, whereabouts, visit };
            networks::check(service, &speaker)?;
            let Speaker { account, device, visit, .. } = speaker;
            (tx, account, visit, Some((device.id, whereabouts)))
        }
        Holder::Guest { shown, .. } => {
            let mut tx = service.store.begin().await?;
            let grant = grants::accept(service, &mut *tx, shown, asking.origin.as_deref(), now).await?;
            let account = tx.account(grant.account).await?.ok_or(ErrorCode::GrantInvalid)?;
            (tx, account, Some(grant.visit), None)
        }
    };
    if account.disabled {
        return Err(ErrorCode::LoginRequired.into());
    }
    if let Some(visit) = &visit {
        grants::check_visit(visit, asking.movie, now)?;
    }
    playable::may_play(&account, &allowed.movie, place)?;
    let first_play = tx.first_play(account.id, allowed.movie.id, now).await?;
    let key_level = KeyLevel::Software;
    let rules = pack.rules.players_over(allowed.policy.rules(now, first_play, key_level));
    let page = visit.and_then(|visit| visit.origin);
    let origin = page.as_deref().or(asking.origin.as_deref()).unwrap_or(&service.config.public_url);
    rules.check(&Situation { now, key_level, display: Display::Unknown, origin, release: None })?;
    let highest = service.config.max_height_of(&account.plan);
    let max_height = rules.max_height.into_iter().chain(highest).min();
    let keys = content_keys::granted(service, pack, names, max_height)?;
    let entry = given(service, (*form, allowed), &keys, place).of(account.id);
    let entry = match &heard {
        Some((device, _)) => entry.on(device),
        None => entry,
    };
    tx.audit(&entry).await?;
    tx.commit().await?;
    if let Some((device, whereabouts)) = heard {
        networks::tell(&device, whereabouts);
    }
    Ok(keys)
}
