use crate::recovery::Recoveries;

/// What sets one kind of device apart from another.
#[derive(Clone, Debug)]
pub struct Kind {
    /// How it comes to a registration.
    pub registering: Registering,
    /// What it does about errors.
    pub recoveries: &'static Recoveries,
}

/// How a device comes to a registration (`docs/protocol.md`, §3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Registering {
    /// By the message `register`; session cookies, which the driver sends along, say for which account, or a
    /// grant ([`Client::show`](crate::Client::show)).
    ByCookies {
        /// What people call the device, at most 80 characters.
        name: String,
        /// The software that it runs, at most 400 characters.
        machine: String,
    },
    /// By a code that somebody types in ([`Ask::Activation`](crate::Ask::Activation)). Without a registration
    /// other messages fail with [`Error::NotActivated`](crate::Error::NotActivated).
    ByCode,
}

impl Kind {
    /// A browser: registers by its cookies, individualizes when its certificate is refused.
    pub fn browser(name: impl Into<String>, machine: impl Into<String>) -> Self {
        let registering = Registering::ByCookies { name: name.into(), machine: machine.into() };
        Self { registering, recoveries: &Recoveries::BROWSER }
    }

    /// A browser in another site's page: a grant says for which account. With it comes each new ticket.
    pub fn granted(name: impl Into<String>, machine: impl Into<String>) -> Self {
        Self { recoveries: &Recoveries::GRANTED, ..Self::browser(name, machine) }
    }

    /// A TV box: activated by a code, its certificate is the factory's.
    pub fn tv_box() -> Self {
        Self { registering: Registering::ByCode, recoveries: &Recoveries::BOX }
    }
}
