//! The error table: codes, what a client does about each, and the words for them.

use std::fmt;
use std::str::FromStr;

crate::named! {
    /// What a client does about an error. It acts on this, never on the text.
    #[non_exhaustive]
    Action {
        /// Stop and show the text.
        Fail = "fail",
        /// Register again (with a new device id on `RENEW_OTHER_CUSTOMER`).
        Register = "register",
        /// Renew the ticket, else register.
        Renew = "renew",
        /// Take the answer's time as the right one and retry once.
        Clock = "clock",
        /// Go to the login page.
        Login = "login",
        /// Individualize again, once.
        Individualize = "individualize",
        /// Ask for a new activation code.
        Code = "code",
        /// Try again later, with jitter.
        Backoff = "backoff",
        /// Ask whether another device is to stop, and take its place.
        Takeover = "takeover",
    }
}

impl Action {
    /// Reads the attribute `action`; an action of a later version means to fail.
    pub fn parse(s: &str) -> Self {
        Self::named(s).unwrap_or(Self::Fail)
    }
}

macro_rules! error_codes {
    ($($(#[$doc:meta])* $variant:ident $name:literal $action:ident $text:literal;)*) => {
        /// The codes of the error table (docs/protocol.md, section 4), and those that only JSON routes use.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $variant,)*
        }

        impl ErrorCode {
            /// Every code, in the table's order.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code as it stands on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a client does about it.
            pub fn action(self) -> Action {
                match self { $(Self::$variant => Action::$action,)* }
            }

            /// The text for people, in English.
            pub fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

error_codes! {
    /// Not understood (status 400).
    RequestInvalid "REQUEST_INVALID" Fail "The request was not understood.";
    /// Ticket or signature is missing, malformed or forged (status 401).
    NotAuthentic "NOT_AUTHENTIC" Register "The ticket or signature is not authentic.";
    /// A repeated or far-off sequence number, or an older registration's ticket.
    SequenceOutOfOrder "SEQUENCE_OUT_OF_ORDER" Register "Sequence Number out of order";
    /// The ticket's 12 hours are over.
    TicketExpired "TICKET_EXPIRED" Renew "This device's registration has expired.";
    /// The device was removed, or is not the ticket's.
    DeviceUnknown "DEVICE_UNKNOWN" Renew "This device is no longer registered.";
    /// The request's time is more than 300 s off.
    ClockSkew "CLOCK_SKEW" Clock "This device's clock is wrong.";
    /// No session, or an expired one.
    LoginRequired "LOGIN_REQUIRED" Login "Please sign in.";
    /// The grant is not the site's, is over, or is for another page or movie.
    GrantInvalid "GRANT_INVALID" Fail "This page's permission to play the title is not valid.";
    /// Every slot of the account is taken.
    DeviceLimitReached "DEVICE_LIMIT_REACHED" Fail "Device Limit Reached";
    /// As many devices were removed lately as may be.
    RemovalLimitReached "REMOVAL_LIMIT_REACHED" Fail "Too many devices were removed lately.";
    /// The ticket belongs to another account than the cookies.
    RenewOtherCustomer "RENEW_OTHER_CUSTOMER" Register "Auth Renew called using different customer's shopper ID";
    /// The account's plan does not include the movie.
    NotSubscribed "NOT_SUBSCRIBED" Fail "Your plan does not include this title.";
    /// The account plays as many films at once as its plan allows.
    StreamLimit "STREAM_LIMIT" Takeover "Your plan does not allow more films at the same time.";
    /// The device speaks from more networks than one device may.
    NetworkLimit "NETWORK_LIMIT" Fail "This device is used in too many networks.";
    /// The address lies outside the allowed regions.
    RegionNotAllowed "REGION_NOT_ALLOWED" Fail "This title is not available where you are.";
    /// No such movie.
    MovieUnknown "MOVIE_UNKNOWN" Fail "There is no such title.";
    /// The movie is there, but cannot be played now.
    MovieNotAvailable "MOVIE_NOT_AVAILABLE" Fail "This title is not available at the moment.";
    /// The event has not begun, or nothing of it comes; it can be asked for again.
    EventWaiting "EVENT_WAITING" Fail "This event has not begun yet.";
    /// The event is over, and there is no film of it yet.
    EventEnded "EVENT_ENDED" Fail "This event has ended.";
    /// The policy refuses this player, level, module or output.
    PolicyRefused "POLICY_REFUSED" Fail "The title's rules do not allow it to play here.";
    /// The challenge's form, signature or binding is wrong.
    ChallengeInvalid "CHALLENGE_INVALID" Individualize "The license request was not valid.";
    /// The device certificate does not verify.
    CertificateInvalid "CERTIFICATE_INVALID" Individualize "The device's certificate was not valid.";
    /// The activation code's ten minutes are over.
    CodeExpired "CODE_EXPIRED" Code "That code has expired.";
    /// No such activation code.
    CodeUnknown "CODE_UNKNOWN" Code "There is no such code.";
    /// Busy or throttled.
    TryLater "TRY_LATER" Backoff "The service is busy. Trying again.";
    /// JSON routes only: wrong email or password.
    LoginFailed "LOGIN_FAILED" Fail "Email or password is wrong.";
    /// The request comes from another site's page.
    OriginRefused "ORIGIN_REFUSED" Fail "Requests from that site are not accepted.";
    /// Client side only: a code that this version does not know.
    Other "OTHER" Fail "The service answered with an error.";
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ErrorCode {
    type Err = std::convert::Infallible;

    /// Never fails: what is unknown becomes [`ErrorCode::Other`].
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Ok(Self::ALL.iter().copied().find(|code| code.as_str() == s).unwrap_or(Self::Other))
    }
}
