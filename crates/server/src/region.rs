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
    if COUNTRIES.split_ascii_whitespace().any(|known| known == country) {
        return Ok(country);
    }
    let hint = match &country[..] {
        "UK" => ": the United Kingdom is GB",
        "EL" => ": Greece is GR",
        _ => ", like DE or US",
    };
    Err(Error::Setting {
        name: "regions",
        reason: format!("\"{text}\" is no country of ISO 3166-1 by its two letters{hint}"),
    })
}

/// The codes of ISO 3166-1 alpha-2 that are given to countries (249, as of 2026), and XK, which databases of
/// addresses have for Kosovo.
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR \
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO \
    JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR \
    MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO \
    RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV \
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW";

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

    /// Whether addresses can be told apart by country at all.
    pub(crate) fn has_data(&self) -> bool {
        self.reader.is_some()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_those_of_the_standard() {
        let all: Vec<&str> = COUNTRIES.split_ascii_whitespace().collect();
        assert_eq!(all.len(), 250, "249 and Kosovo");
        assert!(all.is_sorted_by(|a, b| a < b) && all.iter().all(|code| code.len() == 2));
        assert_eq!((country("de").unwrap(), country("US").unwrap()), ("DE".to_owned(), "US".to_owned()));
        for wrong in ["", "XX", "D", "DEU", "Germany", "D E", "ZZ", "AD AE"] {
            assert!(country(wrong).is_err(), "{wrong}");
        }
        assert!(country("UK").unwrap_err().to_string().contains("GB"));
    }
}
