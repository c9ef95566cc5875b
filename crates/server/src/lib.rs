//! Matinee's server roles: site, control, individualization, edge.
//!
//! Data flows one way: `http` reads requests, `use_case` decides, `store` remembers. [`Server`] runs it all
//! in one process; the `matinee` command uses [`accounts`], [`catalogue`], [`keys`] and [`policy`] beside it.

mod authorizer;
mod brand;
pub mod catalogue;
mod client_data;
mod client_reports;
mod clock;
mod config;
mod content_place;
mod content_rules;
pub mod contents;
mod descriptions;
mod error;
mod grant;
mod http;
mod key_level;
pub mod keys;
pub mod library;
mod license_mode;
mod listen;
pub mod live;
pub mod live_url;
mod lru;
pub mod media_url;
mod movie_number;
mod palette;
mod password;
mod pictures;
pub mod playlist_url;
pub mod policy;
mod private;
pub mod region;
mod reload;
mod rtmp;
mod secret;
mod serve;
mod service;
mod site;
pub mod store;
mod stream;
mod tally;
mod telemetry;
mod throttle;
mod ticket;
mod tls;
mod turns;
mod url_tokens;
mod use_case;
mod visit;

pub use clock::Clock;
pub use config::{
    Addresses, Application, Audit, Authorizer, Boxes, Brand, ByteCount, CdnConfig, ClientSet, Cmcd, Config,
    Credential, CredentialsFrom, Database, Devices, Drm, Edge, Limits, ListedPlayer, Live, Log, LogFormat,
    Metrics, OnFailure, Origin, Overrides, Plan, Regions, Role, SourcesAt, StorageSettings, Stream, Tls,
    Transport, UpdateStrategy, VOD,
};
pub use error::Error;
pub use http::{box_router, router};
pub use license_mode::{LicenseMode, UnknownMode};
pub use palette::{BrandColours, Colour};
pub use serve::Server;
pub use service::{Service, open_data};
pub use site::HOW_TO_BUILD;
pub use url_tokens::UrlTokens;
pub use use_case::{accounts, api_keys, counters, movies, packs, posters, shares, urls};
