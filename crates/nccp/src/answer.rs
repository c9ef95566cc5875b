//! The messages that a controller answers with.

use crate::Error;
use crate::ids::{DeviceId, MovieId};
use crate::manifest::{LicenseMode, Manifest};
use crate::metadata::MovieMetadata;
use crate::request::MessageName;
use crate::value::{Decimal, PolicyVersion, Seconds, base64_decode, base64_encode};
use crate::wire_error::WireError;
use crate::xml::Element;

/// A message of an answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ResponseMessage {
    /// Answer to `ping`.
    Ping {
        /// The server's time.
        time: u64,
        /// The server's version.
        version: String,
    },
    /// Answer to `register`.
    Register(Registration),
    /// Answer to `authenticationrenewal`.
    AuthenticationRenewal(Registration),
    /// Answer to `accountinfo`.
    AccountInfo(AccountInfo),
    /// Answer to `queue`.
    Queue(Vec<QueueMovie>),
    /// Answer to `moviemetadata`.
    MovieMetadata {
        /// Which movie.
        movie_id: MovieId,
        /// What is known of it.
        metadata: MovieMetadata,
    },
    /// Answer to `usermoviemetadata`.
    UserMovieMetadata(UserMovieMetadata),
    /// Answer to `authorization`.
    Authorization(Box<Manifest>),
    /// Answer to `license`.
    License {
        /// The movie.
        stream_id: MovieId,
        /// COSE octets of the license.
        license: Vec<u8>,
        /// Names its rules, for `logblob`.
        policy_version: Option<String>,
        /// When the lease that came with it ends, Unix seconds; `None` where streams are not counted.
        lease: Option<u64>,
    },
    /// Answer to `takeover`.
    Takeover {
        /// What may play here now.
        movie_id: MovieId,
    },
    /// Answer to `logblob`.
    LogBlob {
        /// Which movie.
        movie_id: MovieId,
        /// The server's time when it was taken in.
        accepted: u64,
        /// When the rules that it plays by are not those in force: a new license is to be got at once.
        rules: Option<NewRules>,
        /// When the device's lease of the movie ends now, Unix seconds; `None` where streams are not counted,
        /// and where it has none.
        lease: Option<u64>,
        /// When this device may not play on: where films of the account play now, by name; empty where that
        /// is not said.
        stopped: Option<String>,
        /// When the account may not play the movie on: why.
        refused: Option<WireError>,
    },
    /// Answer to `activationcode`.
    ActivationCode(Activation),
}

/// Rules that have changed while a film plays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRules {
    /// Signed DRM metadata that follows them.
    pub drm_metadata: Vec<u8>,
    /// Names them, for `logblob`.
    pub policy_version: Option<String>,
}

/// A device id and its ticket.
#[derive(Clone, PartialEq, Eq)]
pub struct Registration {
    /// The device.
    pub device_id: DeviceId,
    /// The ticket, for the header `X-CTicket`.
    pub ticket: String,
    /// When the ticket ends.
    pub expiration: u64,
    /// When to renew it.
    pub renewal: u64,
    /// Keys of the domains that the device is in, sealed for it; empty for a device in none.
    pub domain_keys: Vec<DomainKey>,
}

/// A domain's private key, sealed for one device.
#[derive(Clone, PartialEq, Eq)]
pub struct DomainKey {
    /// `browser`, `box` or `all`.
    pub domain: String,
    /// Number of the epoch.
    pub epoch: u64,
    /// As docs/protocol.md, section 6 seals it.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for DomainKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DomainKey({} {}, sealed)", self.domain, self.epoch)
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration")
            .field("device_id", &self.device_id)
            .field("ticket", &"[redacted]")
            .field("expiration", &self.expiration)
            .field("renewal", &self.renewal)
            .field("domain_keys", &self.domain_keys)
            .finish()
    }
}

/// Name, plan and devices of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountInfo {
    /// What the account is called: its email address.
    pub name: String,
    /// Its plan.
    pub plan: String,
    /// The asking device's name.
    pub device_name: String,
    /// Devices that hold a slot.
    pub devices: u32,
    /// Slots there are.
    pub device_limit: u32,
}

/// One movie of the account's list.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueMovie {
    /// Which movie.
    pub movie_id: MovieId,
    /// What is known of it.
    pub metadata: MovieMetadata,
    /// Where to resume, in seconds.
    pub position: f64,
    /// Where its license comes from.
    pub license_mode: LicenseMode,
}

/// This account's history with a movie.
#[derive(Debug, Clone, PartialEq)]
pub struct UserMovieMetadata {
    /// Which movie.
    pub movie_id: MovieId,
    /// Where to resume, in seconds; 0 when never watched, or watched to the end.
    pub position: f64,
    /// Viewings, latest first.
    pub history: Vec<View>,
}

/// One viewing.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// When it began.
    pub started: u64,
    /// When it was last reported.
    pub seen: u64,
    /// Where it was then, in seconds.
    pub position: f64,
}

/// Where the activation of a box stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activation {
    /// A code to show.
    Code {
        /// The code.
        code: String,
        /// Seconds between polls.
        interval: u64,
        /// When the code ends.
        expiration: u64,
        /// It is an older code that nobody has entered yet: `<state>pending</state>` stands beside it.
        pending: bool,
    },
    /// Nobody has entered the code yet, and the answer does not repeat it.
    Pending,
    /// The box has its slot.
    Registered(Registration),
}

impl Registration {
    fn write_into(&self, element: Element) -> Element {
        let element = element
            .text_child("deviceid", &self.device_id)
            .text_child("cticket", &self.ticket)
            .text_child("expiration", self.expiration)
            .text_child("renewal", self.renewal);
        if self.domain_keys.is_empty() {
            return element;
        }
        element.child(self.domain_keys.iter().fold(Element::new("domainkeys"), |list, key| {
            list.child(
                Element::new("domainkey")
                    .text_child("domain", &key.domain)
                    .text_child("epoch", key.epoch)
                    .text_child("key", base64_encode(&key.key)),
            )
        }))
    }

    fn read(element: &Element) -> Result<Self, Error> {
        Ok(Self {
            device_id: element.parsed_required("deviceid")?,
            ticket: element.required_text("cticket")?.to_owned(),
            expiration: number(element, "expiration")?,
            renewal: number(element, "renewal")?,
            domain_keys: element.first("domainkeys").map_or(Ok(Vec::new()), |list| {
                list.all("domainkey").map(DomainKey::read).collect::<Result<_, Error>>()
            })?,
        })
    }
}

impl DomainKey {
    fn read(element: &Element) -> Result<Self, Error> {
        Ok(Self {
            domain: element.required_text("domain")?.to_owned(),
            epoch: number(element, "epoch")?,
            key: base64_decode(element.required_text("key")?, "key")?,
        })
    }
}

fn number(element: &Element, name: &'static str) -> Result<u64, Error> {
    Ok(element.parsed_required::<Decimal>(name)?.0)
}

fn small(element: &Element, name: &'static str) -> Result<u32, Error> {
    u32::try_from(number(element, name)?).map_err(|_| Error::Value(name))
}

fn with_lease(element: Element, ends: Option<u64>) -> Element {
    match ends {
        Some(ends) => element.child(Element::new("lease").attr("expires", ends)),
        None => element,
    }
}

fn lease(element: &Element) -> Result<Option<u64>, Error> {
    let Some(lease) = element.first("lease") else { return Ok(None) };
    Ok(Some(lease.parsed_attribute::<Decimal>("expires")?.0))
}

fn text(element: &Element, name: &str) -> String {
    element.child_text(name).unwrap_or_default().to_owned()
}

impl ResponseMessage {
    /// The name of the message that this answers.
    pub fn name(&self) -> MessageName {
        match self {
            Self::Ping { .. } => MessageName::Ping,
            Self::Register(_) => MessageName::Register,
            Self::AuthenticationRenewal(_) => MessageName::AuthenticationRenewal,
            Self::AccountInfo(_) => MessageName::AccountInfo,
            Self::Queue(_) => MessageName::Queue,
            Self::MovieMetadata { .. } => MessageName::MovieMetadata,
            Self::UserMovieMetadata(_) => MessageName::UserMovieMetadata,
            Self::Authorization(_) => MessageName::Authorization,
            Self::License { .. } => MessageName::License,
            Self::Takeover { .. } => MessageName::Takeover,
            Self::LogBlob { .. } => MessageName::LogBlob,
            Self::ActivationCode(_) => MessageName::ActivationCode,
        }
    }

    pub(crate) fn to_element(&self) -> Element {
        let element = Element::new(self.name().as_str());
        match self {
            Self::Ping { time, version } => element.text_child("time", time).text_child("version", version),
            Self::Register(registration) | Self::AuthenticationRenewal(registration) => {
                registration.write_into(element)
            }
            Self::AccountInfo(info) => element
                .text_child("name", &info.name)
                .text_child("plan", &info.plan)
                .text_child("devicename", &info.device_name)
                .text_child("devices", info.devices)
                .text_child("devicelimit", info.device_limit),
            Self::Queue(movies) => movies.iter().fold(element, |list, movie| {
                list.child(
                    movie
                        .metadata
                        .write_into(Element::new("movie").attr("movie_id", movie.movie_id))
                        .text_child("position", Seconds(movie.position))
                        .opt_child("licensemode", movie.license_mode.written()),
                )
            }),
            Self::MovieMetadata { movie_id, metadata } => {
                metadata.write_into(element.attr("movie_id", movie_id))
            }
            Self::UserMovieMetadata(user) => {
                let element =
                    element.attr("movie_id", user.movie_id).text_child("position", Seconds(user.position));
                if user.history.is_empty() {
                    return element;
                }
                element.child(user.history.iter().fold(Element::new("history"), |list, view| {
                    list.child(
                        Element::new("view")
                            .text_child("started", view.started)
                            .text_child("seen", view.seen)
                            .text_child("position", Seconds(view.position)),
                    )
                }))
            }
            Self::Authorization(manifest) => manifest.to_element(),
            Self::License { stream_id, license, policy_version, lease } => with_lease(
                element
                    .attr("stream_id", stream_id)
                    .text_child("licensedata", base64_encode(license))
                    .opt_child("policyversion", policy_version.as_ref()),
                *lease,
            ),
            Self::Takeover { movie_id } => element.attr("movie_id", movie_id),
            Self::LogBlob { movie_id, accepted, rules, lease, stopped, refused } => {
                let element = element.attr("movie_id", movie_id).text_child("accepted", accepted);
                let element = with_lease(element, *lease);
                let element = match stopped {
                    Some(_) => element.child(Element::new("stop")),
                    None => element,
                };
                let element =
                    element.opt_child("stopped", stopped.as_ref().filter(|names| !names.is_empty()));
                let element = match refused {
                    Some(error) => {
                        element.child(error.write_into(Element::with_text("refused", &error.text)))
                    }
                    None => element,
                };
                match rules {
                    Some(rules) => element
                        .text_child("drmmetadata", base64_encode(&rules.drm_metadata))
                        .opt_child("policyversion", rules.policy_version.as_ref()),
                    None => element,
                }
            }
            Self::ActivationCode(Activation::Pending) => element.text_child("state", "pending"),
            Self::ActivationCode(Activation::Registered(registration)) => registration.write_into(element),
            Self::ActivationCode(Activation::Code { code, interval, expiration, pending }) => {
                if *pending { element.text_child("state", "pending") } else { element }
                    .text_child("code", code)
                    .text_child("interval", interval)
                    .text_child("expiration", expiration)
            }
        }
    }

    pub(crate) fn read(element: &Element) -> Result<Self, Error> {
        let movie_id = || element.parsed_attribute("movie_id");
        Ok(match element.name.parse::<MessageName>()? {
            MessageName::Ping => {
                Self::Ping { time: number(element, "time")?, version: text(element, "version") }
            }
            MessageName::Register => Self::Register(Registration::read(element)?),
            MessageName::AuthenticationRenewal => Self::AuthenticationRenewal(Registration::read(element)?),
            MessageName::AccountInfo => Self::AccountInfo(AccountInfo {
                name: text(element, "name"),
                plan: text(element, "plan"),
                device_name: text(element, "devicename"),
                devices: small(element, "devices")?,
                device_limit: small(element, "devicelimit")?,
            }),
            MessageName::Queue => Self::Queue(
                element
                    .all("movie")
                    .map(|movie| {
                        Ok(QueueMovie {
                            movie_id: movie.parsed_attribute("movie_id")?,
                            metadata: MovieMetadata::read(movie)?,
                            position: movie.parsed::<Seconds>("position")?.map_or(0.0, |s| s.0),
                            license_mode: LicenseMode::of(movie.child_text("licensemode")),
                        })
                    })
                    .collect::<Result<_, Error>>()?,
            ),
            MessageName::MovieMetadata => {
                Self::MovieMetadata { movie_id: movie_id()?, metadata: MovieMetadata::read(element)? }
            }
            MessageName::UserMovieMetadata => Self::UserMovieMetadata(UserMovieMetadata {
                movie_id: movie_id()?,
                position: element.parsed::<Seconds>("position")?.map_or(0.0, |s| s.0),
                history: views(element)?,
            }),
            MessageName::Authorization => Self::Authorization(Box::new(Manifest::read(element)?)),
            MessageName::License => Self::License {
                stream_id: element.parsed_attribute("stream_id")?,
                license: base64_decode(element.required_text("licensedata")?, "licensedata")?,
                policy_version: element.parsed::<PolicyVersion>("policyversion")?.map(|version| version.0),
                lease: lease(element)?,
            },
            MessageName::Takeover => Self::Takeover { movie_id: movie_id()? },
            MessageName::LogBlob => Self::LogBlob {
                movie_id: movie_id()?,
                accepted: number(element, "accepted")?,
                lease: lease(element)?,
                stopped: match element.child_text("stopped") {
                    Some(names) => Some(names.to_owned()),
                    None => element.first("stop").map(|_| String::new()),
                },
                refused: element.first("refused").map(WireError::read).transpose()?,
                rules: match element.child_text("drmmetadata") {
                    Some(metadata) => Some(NewRules {
                        drm_metadata: base64_decode(metadata, "drmmetadata")?,
                        policy_version: element
                            .parsed::<PolicyVersion>("policyversion")?
                            .map(|version| version.0),
                    }),
                    None => None,
                },
            },
            MessageName::ActivationCode => Self::ActivationCode(activation(element)?),
        })
    }
}

fn views(element: &Element) -> Result<Vec<View>, Error> {
    let Some(history) = element.first("history") else { return Ok(Vec::new()) };
    history
        .all("view")
        .map(|view| {
            Ok(View {
                started: number(view, "started")?,
                seen: number(view, "seen")?,
                position: view.parsed_required::<Seconds>("position")?.0,
            })
        })
        .collect()
}

fn activation(element: &Element) -> Result<Activation, Error> {
    let pending = element.child_text("state") == Some("pending");
    match element.child_text("code") {
        Some(code) => Ok(Activation::Code {
            code: code.to_owned(),
            interval: number(element, "interval")?,
            expiration: number(element, "expiration")?,
            pending,
        }),
        None if pending => Ok(Activation::Pending),
        None => Registration::read(element).map(Activation::Registered),
    }
}
