use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use pack::Pack;
use shaper::{Exchange, Kind, Link, Proxy, Rule};

use crate::{Server, demo_film, free_port};

/// A server that is reached through proxies only: one for the site and the controller, and one for each CDN,
/// all of which pull from the server's edge. Without CDNs the media come through the site's proxy, too.
pub struct Stage {
    /// The server behind.
    pub server: Server,
    /// What stands before the site.
    pub site: Proxy,
    /// What stands before the edge, in the order in which the manifest names them.
    pub cdns: Vec<Proxy>,
    host: &'static str,
}

impl Stage {
    /// So many CDNs, and lines of `matinee.toml` on top (no tables that a CDN's would end).
    pub async fn start(cdns: usize, config: &str) -> Self {
        Self::start_with(cdns, config, &demo_film()).await
    }

    /// The same where the site has this name: the browser must be told that it is the loopback
    /// interface's.
    pub async fn start_at(host: &'static str, config: &str) -> Self {
        Self::start_named(host, 0, config, &demo_film()).await
    }

    /// The same with another film.
    pub async fn start_with(cdns: usize, config: &str, film: &[PathBuf]) -> Self {
        Self::start_named("localhost", cdns, config, film).await
    }

    async fn start_named(host: &'static str, cdns: usize, config: &str, film: &[PathBuf]) -> Self {
        let port = free_port();
        let proxy = || Proxy::start(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).unwrap();
        let site = proxy();
        let cdns: Vec<Proxy> = (0..cdns).map(|_| proxy()).collect();
        let mut text = format!("public_url = \"http://{host}:{}\"\n{config}\n", site.address().port());
        for (number, cdn) in cdns.iter().enumerate() {
            // The first has all the weight: always the first of the manifest.
            let (id, weight, url) = (number + 1, u32::from(number == 0) * 100, cdn.url());
            text +=
                &format!("[[cdn]]\nid = {id}\nname = \"cdn{id}\"\nweight = {weight}\nbase_url = \"{url}\"\n");
        }
        let server = Server::start_at(port, &text, film).await;
        Self { server, site, cdns, host }
    }

    /// The site's public URL, without a trailing slash.
    pub fn url(&self) -> String {
        format!("http://{}:{}", self.host, self.site.address().port())
    }

    /// All proxies, the site's first.
    pub fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        std::iter::once(&self.site).chain(&self.cdns)
    }

    /// What stands before the media.
    pub fn media(&self) -> &Proxy {
        self.cdns.first().unwrap_or(&self.site)
    }

    /// Gives every connection this delay and bandwidth.
    pub fn set_link(&self, link: Link) {
        self.proxies().for_each(|proxy| proxy.set_link(link));
    }

    /// Begins to count anew, everywhere.
    pub fn forget(&self) {
        self.proxies().for_each(Proxy::forget);
    }

    /// Takes the rules of all proxies away.
    pub fn clear_rules(&self) {
        self.proxies().for_each(Proxy::clear_rules);
    }

    /// Adds a rule to all that media pass.
    pub fn add_media_rule(&self, rule: &Rule) {
        if self.cdns.is_empty() {
            self.site.add_rule(rule.clone());
        }
        self.cdns.iter().for_each(|cdn| cdn.add_rule(rule.clone()));
    }

    /// All requests of a kind, over all proxies, in the order in which they came.
    pub fn requests(&self, kind: Kind) -> Vec<Exchange> {
        let all = self.proxies().flat_map(Proxy::exchanges);
        let mut exchanges: Vec<Exchange> = all.filter(|exchange| exchange.kind == kind).collect();
        exchanges.sort_by_key(|exchange| exchange.asked);
        exchanges
    }

    /// The film's `pack.json`, and the folder in which it lies.
    pub fn pack(&self) -> (Pack, PathBuf) {
        let packs = std::fs::read_dir(self.server.data().join("library")).unwrap();
        let folder =
            packs.map(|entry| entry.unwrap().path()).find(|pack| pack.join("pack.json").is_file()).unwrap();
        let json = std::fs::read(folder.join("pack.json")).unwrap();
        (Pack::from_json(&json).unwrap(), folder)
    }
}
