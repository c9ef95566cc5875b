//! Where media can be had, in which order: A60, A68.

use crate::Config;
use crate::secret::sha256;
use crate::url_tokens::UrlTokens;
use nccp::RangeForm;
use urltoken::Signer;

/// Where players of others ask for the order.
pub(crate) const STEERING: &str = "/steering";

/// A place where media can be had.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cdn<'a> {
    pub(crate) id: u32,
    pub(crate) name: &'a str,
    pub(crate) weight: u32,
    pub(crate) ranges: RangeForm,
    pub(crate) base_url: &'a str,
    pub(crate) signer: &'a Signer,
    /// Whether what it asks the edge for comes with the token that it was asked with.
    pub(crate) passes_tokens: bool,
    /// Whether players tell it how each download is needed.
    pub(crate) cmcd: bool,
}

/// The seed of whoever is named so: a device by its id, a manifest for players of others by the query of its
/// URL. As 16 hexadecimal digits it is what `/steering` is asked with for the same order.
pub(crate) fn seed_of(name: &str) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = sha256(name.as_bytes());
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The CDNs between which players of others can be steered, in the order that belongs to a seed; none where
/// there are not two. `by_token`: what they are to have needs a token at the edge, which those do not pass on
/// that check tokens themselves.
pub(crate) fn steered<'a>(
    config: &'a Config,
    tokens: &'a UrlTokens,
    seed: u64,
    by_token: bool,
) -> Vec<Cdn<'a>> {
    let mut all = ordered(config, tokens, seed);
    all.retain(|cdn| cdn.passes_tokens || !by_token);
    if all.len() < 2 { Vec::new() } else { all }
}

/// The CDNs, or else the own edge, in the order that belongs to a seed, drawn by weight. Of two CDNs that
/// both stay, one comes before the other in as many orders as its share of their weights is; a weight that
/// changes, or a CDN that comes or goes, moves no more orders than it must. Weight 0 comes last.
pub(crate) fn ordered<'a>(config: &'a Config, tokens: &'a UrlTokens, seed: u64) -> Vec<Cdn<'a>> {
    if config.cdn.is_empty() {
        let ranges = if tokens.own().dialect().is_exact() { RangeForm::Header } else { RangeForm::Path };
        let (base_url, signer) = (config.edge_base(), tokens.own());
        return vec![Cdn {
            id: 1,
            name: "local",
            weight: 100,
            ranges,
            base_url,
            signer,
            passes_tokens: true,
            cmcd: false,
        }];
    }
    let cdn = |(at, cdn): (usize, &'a crate::CdnConfig)| Cdn {
        id: cdn.id,
        name: &cdn.name,
        weight: cdn.weight,
        ranges: if cdn.has_path_ranges() { RangeForm::Path } else { RangeForm::Header },
        base_url: &cdn.base_url,
        signer: tokens.cdn(at),
        // Which of those with tokens of their own say who they are instead, nobody tells.
        passes_tokens: cdn.token.is_none() || config.edge.pull_secrets.is_empty(),
        cmcd: cdn.cmcd,
    };
    let mut all: Vec<_> = config.cdn.iter().enumerate().map(cdn).collect();
    all.sort_by(|a, b| place(seed, a.id, a.weight).total_cmp(&place(seed, b.id, b.weight)));
    all
}

/// An exponentially distributed number whose rate is the weight: the least of several is each one's with a
/// probability that is its share of the weights (Efraimidis and Spirakis, 2006).
fn place(seed: u64, id: u32, weight: u32) -> f64 {
    let hash = sha256(&[&seed.to_be_bytes()[..], &id.to_be_bytes()].concat());
    let [a, b, c, d, e, f, g, h, ..] = hash;
    let drawn = (u64::from_be_bytes([a, b, c, d, e, f, g, h]) >> 11) as f64 + 0.5;
    -(drawn / (1u64 << 53) as f64).ln() / f64::from(weight)
}

#[cfg(test)]
mod tests {
    use super::*;
    use urltoken::Secret;

    fn orders(weights: &[(u32, u32)], seeds: std::ops::Range<u64>) -> Vec<Vec<u32>> {
        let cdn = |(id, weight): &(u32, u32)| {
            format!(
                "[[cdn]]\nid = {id}\nname = \"c{id}\"\nweight = {weight}\nbase_url = \"https://c{id}.example\"\n"
            )
        };
        let config = Config::parse(&weights.iter().map(cdn).collect::<String>()).unwrap();
        let tokens = UrlTokens::new(&config, &[Secret::new(vec![7; 32])]).unwrap();
        let ids = |seed| ordered(&config, &tokens, seed).iter().map(|cdn| cdn.id).collect();
        seeds.map(ids).collect()
    }

    /// A60: shares follow the weights, and what has none comes last, in the order of fail-over.
    #[test]
    fn a60_weights() {
        let all = orders(&[(1, 75), (2, 25), (3, 0)], 0..4000);
        let first = |id| all.iter().filter(|order| order[0] == id).count();
        assert!(
            (2800..3200).contains(&first(1)) && (800..1200).contains(&first(2)),
            "{} {}",
            first(1),
            first(2)
        );
        assert!(all.iter().all(|order| order.len() == 3 && order[2] == 3));
    }

    /// Those that may ask by `X-Matinee-Pull` are left out where that gives nothing; one alone is not steered
    /// to.
    #[test]
    fn who_passes_tokens_on() {
        let cdn = |id: u32, token: &str| {
            format!("[[cdn]]\nid = {id}\nname = \"c{id}\"\nbase_url = \"https://c{id}.example\"\n{token}")
        };
        let nginx = "token = \"nginx\"\nsecrets = [\"films-secret\"]\n";
        let pull = format!("[edge]\npull_secrets = [\"{}\"]\n", "a".repeat(32));
        for (text, [files, all]) in [
            (cdn(1, ""), [0, 0]),
            (cdn(1, "") + &cdn(2, nginx), [2, 2]),
            (pull.clone() + &cdn(1, "") + &cdn(2, nginx), [2, 0]),
            (pull + &cdn(1, "") + &cdn(2, nginx) + &cdn(3, ""), [3, 2]),
        ] {
            let config = Config::parse(&text).unwrap();
            let tokens = UrlTokens::new(&config, &[Secret::new(vec![7; 32])]).unwrap();
            let many = |by_token| steered(&config, &tokens, 7, by_token).len();
            assert_eq!([many(false), many(true)], [files, all], "{text}");
        }
    }

    /// A seed has one order, and a CDN that is added or dropped changes no other's place.
    #[test]
    fn orders_are_kept() {
        let both = orders(&[(1, 50), (2, 50)], 0..500);
        assert_eq!(both, orders(&[(1, 50), (2, 50)], 0..500));
        let three = orders(&[(1, 50), (2, 50), (3, 50)], 0..500);
        for (two, three) in both.iter().zip(&three) {
            let kept: Vec<u32> = three.iter().copied().filter(|id| *id != 3).collect();
            assert_eq!(*two, kept);
        }
    }
}
