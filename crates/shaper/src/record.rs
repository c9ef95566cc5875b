use std::time::Instant;

use nccp::ByteRange;

/// What a request is for, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Media behind the edge: `/s/…`.
    Media,
    /// `/nccp/controller`.
    Controller,
    /// `/license`.
    License,
    /// `/individualize`.
    Individualize,
    /// `/playerevent`.
    Report,
    /// Other data of the app: `/api/…`, `/decryptor-config.json`.
    Api,
    /// Scripts, modules, styles, pictures: `/assets/…`, `/art/…`.
    Asset,
    /// Everything else.
    Page,
}

impl Kind {
    /// The kind of a path.
    #[must_use]
    pub fn of(path: &str) -> Self {
        match path {
            nccp::CONTROLLER_PATH => Self::Controller,
            "/license" => Self::License,
            "/individualize" => Self::Individualize,
            "/playerevent" => Self::Report,
            "/decryptor-config.json" => Self::Api,
            _ if path.starts_with("/s/") => Self::Media,
            _ if path.starts_with("/api/") => Self::Api,
            _ if path.starts_with("/assets/") || path.starts_with("/art/") => Self::Asset,
            _ => Self::Page,
        }
    }
}

/// One request and what became of it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The method.
    pub method: String,
    /// The path, without query.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// What it is for.
    pub kind: Kind,
    /// The octets asked for, by `Range` header or by path; open ends are not told.
    pub range: Option<ByteRange>,
    /// The answer's status, once there is one.
    pub status: Option<u16>,
    /// Octets of the body that were given to the connection.
    pub octets: u64,
    /// Whether a fault was put into it.
    pub faulty: bool,
    /// When the request's head had come.
    pub asked: Instant,
    /// When the answer's head was sent.
    pub answered: Option<Instant>,
    /// When the answer's last octet was given to the connection.
    pub ended: Option<Instant>,
}

/// Requests and octets of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Requests.
    pub requests: u64,
    /// Octets of the answers' bodies.
    pub octets: u64,
}

/// The octets that a request is for.
pub(crate) fn range_asked(path: &str, header: Option<&str>) -> Option<ByteRange> {
    if let Some((_, range)) = path.rsplit_once("/range/") {
        return range.parse().ok();
    }
    header?.strip_prefix("bytes=")?.parse().ok()
}
