//! Where a request comes from: countries by address, from a MaxMind database.

use crate::Error;
use crate::config::Regions;
use crate::store::Network;
use maxminddb::{Reader, geoip2};
use std::net::IpAddr;

/// A country as ISO 3166-1 alpha-2 writes it: two capitals.
///
/// # Errors
/// [`Error::Setting`].
pub fn country(text: &str) -> Result<String, Error> {
    let country = text.to_ascii_uppercase();
    if country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase()) {
        return Ok(country);
    }
    Err(Error::Setting {
        name: "regions",
        reason: format!("\"{text}\" is no country of two letters, like DE or US"),
    })
}

/// What an address tells of its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// The country; `None` where the database does not know the address, or there is no database.
    pub(crate) country: Option<String>,
    /// Whether the server's list lets it in.
    pub(crate) allowed: bool,
    /// The address or its network, as far as `log.addresses` lets it be written down.
    pub(crate) network: Option<String>,
    /// The network, for telling whether a device is in many; `None` where the address is not known.
    pub(crate) heard_from: Option<Network>,
}

impl Place {
    /// Whether what is allowed in those countries only (none named: everywhere) is allowed here.
    pub(crate) fn may(&self, countries: &[String]) -> bool {
        self.allowed
            && (countries.is_empty() || self.country.as_ref().is_some_and(|here| countries.contains(here)))
    }
}

/// The database and the server's own list.
pub(crate) struct RegionTable {
    reader: Option<Reader<Vec<u8>>>,
    allow: Vec<String>,
}

impl std::fmt::Debug for RegionTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegionTable").field("allow", &self.allow).finish_non_exhaustive()
    }
}

impl RegionTable {
    /// Reads the file into memory.
    pub(crate) fn open(config: &Regions) -> Result<Self, Error> {
        let reader = match &config.file {
            None => None,
            Some(path) => {
                let octets = std::fs::read(path).map_err(Error::io(path))?;
                let reader = Reader::from_source(octets).map_err(|e| Error::Setting {
                    name: "regions.file",
                    reason: format!("{} is no MaxMind database: {e}", path.display()),
                })?;
                Some(reader)
            }
        };
        let allow = config.allow.iter().map(|text| country(text)).collect::<Result<_, _>>()?;
        Ok(Self { reader, allow })
    }

    /// The place of an address. One that the database does not know is nowhere, and let in only where no list
    /// is.
    pub(crate) fn place(&self, address: IpAddr) -> Place {
        let country = self.reader.as_ref().and_then(|reader| {
            let found =
                reader.lookup(address.to_canonical()).ok()?.decode::<geoip2::Country<'_>>().ok()??;
            let code = found.country.iso_code.or(found.registered_country.iso_code)?;
            Some(code.to_ascii_uppercase())
        });
        let allowed =
            self.allow.is_empty() || country.as_ref().is_some_and(|country| self.allow.contains(country));
        Place { country, allowed, network: None, heard_from: None }
    }

    /// The place of who cannot be located: let in only where no list is.
    pub(crate) fn nowhere(&self) -> Place {
        Place { allowed: self.allow.is_empty(), ..Place::default() }
    }
}
