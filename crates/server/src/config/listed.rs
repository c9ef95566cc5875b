//! All settings that have a value without anybody's saying so, by their names in the file, for `matinee
//! config show`.

use super::{
    Audit, Boxes, Brand, Cmcd, Config, CredentialsFrom, Database, Devices, Drm, Edge, Limits, Live, Log,
    Metrics, Origin, Regions, StorageSettings, Stream,
};
use serde_json::{Value, json};
use std::fmt::{Debug, Display};
use std::net::SocketAddr;
use std::path::Path;

/// Settings by their names in the file.
type Listed = Vec<(&'static str, Value)>;

/// A word of the file, of an enumeration whose variants are called like it.
fn word(value: impl Debug) -> Value {
    format!("{value:?}").to_lowercase().into()
}

fn text(value: impl Display) -> Value {
    value.to_string().into()
}

fn path(value: Option<&Path>) -> Value {
    value.map_or(Value::Null, |path| path.display().to_string().into())
}

fn address(listen: Option<SocketAddr>) -> Value {
    listen.map_or(Value::Null, text)
}

impl Config {
    /// Each setting and its value as it is in force; null: nothing. Lists of tables, plans and tables that
    /// are left out by default are not among them. No secret is. Each structure is taken apart as a whole, so
    /// that a new field does not compile before it is listed here, or is said not to be.
    pub(crate) fn listed(&self) -> Listed {
        let Self {
            public_url,
            listen,
            data,
            roles,
            site,
            embedders,
            trusted_proxies,
            tls: _,
            regions: Regions { file, allow },
            authorizer: _,
            brand: Brand { name: _, short_name: _, logo, icon, support, dark: _, light: _ },
            boxes: _,
            metrics,
            log: Log { format, addresses },
            audit: Audit { days },
            database: Database { url: _, connections },
            devices: _,
            plans: _,
            edge: _,
            cdn: _,
            cmcd: Cmcd { report_to, downloads },
            drm: _,
            stream: _,
            live:
                Live {
                    http,
                    rtmp,
                    rtmps,
                    ladders,
                    ladder_threads,
                    ladder_behind,
                    ladder_again,
                    ladder_encoder,
                    ladder_device,
                    ffmpeg,
                },
            limits: _,
            storage: _,
            // Looked for where nobody says it.
            origin: Origin { sources: _, memory },
            encryption: _,
            set: _,
            settings: _,
            changed: _,
            overridden: _,
        } = self;
        let mut all = vec![
            ("public_url", json!(public_url)),
            ("listen", text(listen)),
            ("data", path(Some(data.as_path()))),
            ("roles", roles.iter().map(word).collect()),
            ("site", path(site.as_deref())),
            ("embedders", json!(embedders)),
            ("trusted_proxies", trusted_proxies.iter().map(text).collect()),
            ("regions.file", path(file.as_deref())),
            ("regions.allow", json!(allow)),
            ("brand.name", json!(self.brand.name())),
            ("brand.short_name", json!(self.brand.short_name())),
            ("brand.logo", path(logo.as_deref())),
            ("brand.icon", path(icon.as_deref())),
            ("brand.support", json!(support)),
        ];
        all.extend(self.boxes.listed());
        let Metrics { listen, off } = metrics;
        all.extend([
            ("metrics.listen", address(*listen)),
            ("metrics.off", json!(off)),
            ("log.format", word(format)),
            ("log.addresses", word(addresses)),
            ("audit.days", json!(days)),
            ("database.url", Value::Null),
            ("database.connections", json!(connections)),
        ]);
        all.extend(self.devices.listed());
        all.extend(self.edge.listed(self.edge_base()));
        all.extend([("cmcd.report_to", json!(report_to)), ("cmcd.downloads", json!(downloads))]);
        all.extend(self.drm.listed(self.drm_base()));
        all.extend(self.stream.listed());
        all.extend([
            ("live.http", address(*http)),
            ("live.rtmp", address(*rtmp)),
            ("live.rtmps", address(*rtmps)),
            ("live.ladders", json!(ladders)),
            ("live.ladder_threads", json!(ladder_threads)),
            ("live.ladder_behind", json!(ladder_behind)),
            ("live.ladder_again", json!(ladder_again)),
            ("live.ladder_encoder", json!(ladder_encoder.name())),
            ("live.ladder_device", json!(ladder_device)),
            ("live.ffmpeg", path(Some(ffmpeg))),
        ]);
        all.extend(self.limits.listed());
        all.extend(self.storage.listed());
        all.extend([("origin.sources", path(self.sources().as_deref())), ("origin.memory", json!(memory))]);
        // Of those that nobody says: what a file says is taken from there.
        for (scope, enabled, scheme, level) in [
            (
                "encryption.own.scope",
                "encryption.own.enabled",
                "encryption.own.scheme",
                "encryption.own.level",
            ),
            (
                "encryption.dash.scope",
                "encryption.dash.enabled",
                "encryption.dash.scheme",
                "encryption.dash.level",
            ),
            (
                "encryption.hls.scope",
                "encryption.hls.enabled",
                "encryption.hls.scheme",
                "encryption.hls.level",
            ),
        ] {
            all.extend([
                (scope, json!("server")),
                (enabled, json!(true)),
                (scheme, json!("cenc")),
                (level, json!("high")),
            ]);
        }
        all
    }
}

impl Boxes {
    fn listed(&self) -> Listed {
        let Self { listen, url, factory_keys, on_site } = self;
        vec![
            ("boxes.listen", address(*listen)),
            ("boxes.url", json!(url)),
            ("boxes.factory_keys", json!(factory_keys)),
            ("boxes.on_site", json!(on_site)),
        ]
    }
}

impl Devices {
    fn listed(&self) -> Listed {
        let Self { limit, idle_days, removals, removals_days, networks_per_hour } = self;
        vec![
            ("devices.limit", json!(limit)),
            ("devices.idle_days", json!(idle_days)),
            ("devices.removals", json!(removals)),
            ("devices.removals_days", json!(removals_days)),
            ("devices.networks_per_hour", json!(networks_per_hour)),
        ]
    }
}

impl Edge {
    /// `base`: the address in force.
    fn listed(&self, base: &str) -> Listed {
        let Self {
            base_url: _,
            url_life,
            token,
            secrets: _,
            key_id,
            prefix,
            parameter,
            lifetime,
            redirect,
            pull_secrets: _,
            reports,
        } = self;
        vec![
            ("edge.base_url", json!(base)),
            ("edge.url_life", json!(url_life)),
            ("edge.token", json!(token.as_str())),
            ("edge.key_id", json!(key_id)),
            ("edge.prefix", json!(prefix)),
            ("edge.parameter", json!(parameter)),
            ("edge.lifetime", json!(lifetime)),
            ("edge.redirect", json!(redirect)),
            ("edge.reports", json!(reports)),
        ]
    }
}

impl Drm {
    /// `base`: the address in force.
    fn listed(&self, base: &str) -> Listed {
        let Self {
            oldest_module,
            ttl,
            update_interval,
            base_url: _,
            license_url,
            policies,
            license_policy,
            update_strategy,
        } = self;
        vec![
            ("drm.oldest_module", json!(oldest_module)),
            ("drm.ttl", json!(ttl)),
            ("drm.update_interval", json!(update_interval)),
            ("drm.update_strategy", word(update_strategy)),
            ("drm.base_url", json!(base)),
            ("drm.license_url", json!(license_url)),
            ("drm.policies", path(policies.as_deref())),
            ("drm.license_policy", json!(license_policy)),
        ]
    }
}

impl Stream {
    fn listed(&self) -> Listed {
        let Self {
            enabled,
            policy,
            update_interval,
            players: _,
            movies,
            transport,
            base_url,
            idle,
            connections_per_token,
            application: _,
        } = self;
        vec![
            ("stream.enabled", json!(enabled)),
            ("stream.policy", json!(policy)),
            ("stream.transport", word(transport)),
            ("stream.update_interval", json!(update_interval)),
            ("stream.movies", json!(movies)),
            ("stream.base_url", json!(base_url)),
            ("stream.idle", json!(idle)),
            ("stream.connections_per_token", json!(connections_per_token)),
        ]
    }
}

impl Limits {
    fn listed(&self) -> Listed {
        let Self {
            logins_per_account,
            logins_per_address,
            logins_of_unknown_browsers,
            site_requests,
            site_requests_per_account,
            individualizations,
            requests,
            codes_per_account,
            codes_per_address,
            stream_keys_per_address,
            api_requests,
            api_keys_per_address,
            reports,
            connections,
            connections_per_address,
        } = self;
        vec![
            ("limits.logins_per_account", json!(logins_per_account)),
            ("limits.logins_per_address", json!(logins_per_address)),
            ("limits.logins_of_unknown_browsers", json!(logins_of_unknown_browsers)),
            ("limits.site_requests", json!(site_requests)),
            ("limits.site_requests_per_account", json!(site_requests_per_account)),
            ("limits.individualizations", json!(individualizations)),
            ("limits.requests", json!(requests)),
            ("limits.codes_per_account", json!(codes_per_account)),
            ("limits.codes_per_address", json!(codes_per_address)),
            ("limits.stream_keys_per_address", json!(stream_keys_per_address)),
            ("limits.api_requests", json!(api_requests)),
            ("limits.reports", json!(reports)),
            ("limits.api_keys_per_address", json!(api_keys_per_address)),
            ("limits.connections", json!(connections)),
            ("limits.connections_per_address", json!(connections_per_address)),
        ]
    }
}

impl StorageSettings {
    fn listed(&self) -> Listed {
        let Self { url, endpoint, region, path_style: _, credentials, cache, redirect } = self;
        let credentials = match credentials {
            CredentialsFrom::Environment => json!("env"),
            CredentialsFrom::File(path) => json!(format!("file:{}", path.display())),
            CredentialsFrom::Nobody => json!("none"),
        };
        vec![
            ("storage.url", text(url)),
            ("storage.endpoint", json!(endpoint)),
            ("storage.region", json!(region)),
            ("storage.path_style", json!(self.is_path_style())),
            ("storage.credentials", credentials),
            ("storage.cache", json!(cache.0)),
            ("storage.redirect", json!(redirect)),
        ]
    }
}
