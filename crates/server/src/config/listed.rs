//! All settings that have a value without anybody's saying so, by their names in the file, for `matinee config show`.

use super::{Config, CredentialsFrom};
use serde_json::{Value, json};
use std::fmt::{Debug, Display};
use std::path::Path;

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

impl Config {
    /// Each setting and its value as it is in force; null: nothing. Lists of tables, plans and tables that are
    /// left out by default are not among them. No secret is.
    pub(crate) fn listed(&self) -> Vec<(&'static str, Value)> {
        let listen = |address: Option<std::net::SocketAddr>| address.map_or(Value::Null, text);
        let credentials = match &self.storage.credentials {
            CredentialsFrom::Environment => json!("env"),
            CredentialsFrom::File(path) => json!(format!("file:{}", path.display())),
            CredentialsFrom::Nobody => json!("none"),
        };
        let (drm, limits, devices, stream) = (&self.drm, &self.limits, &self.devices, &self.stream);
        let mut all = vec![
            ("public_url", json!(self.public_url)),
            ("listen", text(self.listen)),
            ("data", path(Some(self.data.as_path()))),
            ("roles", self.roles.iter().map(word).collect()),
            ("site", path(self.site.as_deref())),
            ("embedders", json!(self.embedders)),
            ("trusted_proxies", self.trusted_proxies.iter().map(text).collect()),
            ("regions.file", path(self.regions.file.as_deref())),
            ("regions.allow", json!(self.regions.allow)),
            ("boxes.listen", listen(self.boxes.listen)),
            ("boxes.url", json!(self.boxes.url)),
            ("boxes.factory_keys", json!(self.boxes.factory_keys)),
            ("boxes.on_site", json!(self.boxes.on_site)),
            ("metrics.listen", listen(self.metrics.listen)),
            ("metrics.off", json!(self.metrics.off)),
            ("log.format", word(self.log.format)),
            ("log.addresses", word(self.log.addresses)),
            ("audit.days", json!(self.audit.days)),
            ("database.url", Value::Null),
            ("database.connections", json!(self.database.connections)),
            ("devices.limit", json!(devices.limit)),
            ("devices.idle_days", json!(devices.idle_days)),
            ("devices.removals", json!(devices.removals)),
            ("devices.removals_days", json!(devices.removals_days)),
            ("devices.networks_per_hour", json!(devices.networks_per_hour)),
            ("edge.base_url", json!(self.edge_base())),
            ("edge.url_life", json!(self.edge.url_life)),
            ("edge.token", json!(self.edge.token.as_str())),
            ("edge.prefix", json!(self.edge.prefix)),
            ("edge.redirect", json!(self.edge.redirect)),
            ("edge.reports", json!(self.edge.reports)),
            ("drm.oldest_module", json!(drm.oldest_module)),
            ("drm.ttl", json!(drm.ttl)),
            ("drm.update_interval", json!(drm.update_interval)),
            ("drm.update_strategy", word(drm.update_strategy)),
            ("drm.base_url", json!(self.drm_base())),
            ("drm.license_url", json!(drm.license_url)),
            ("drm.policies", path(drm.policies.as_deref())),
            ("drm.license_policy", json!(drm.license_policy)),
            ("stream.enabled", json!(stream.enabled)),
            ("stream.policy", json!(stream.policy)),
            ("stream.transport", word(stream.transport)),
            ("stream.update_interval", json!(stream.update_interval)),
            ("stream.movies", json!(stream.movies)),
            ("stream.base_url", json!(stream.base_url)),
            ("stream.idle", json!(stream.idle)),
            ("stream.connections_per_token", json!(stream.connections_per_token)),
            ("live.http", listen(self.live.http)),
            ("live.rtmp", listen(self.live.rtmp)),
            ("live.rtmps", listen(self.live.rtmps)),
            ("live.ladders", json!(self.live.ladders)),
            ("live.ladder_threads", json!(self.live.ladder_threads)),
            ("live.ladder_behind", json!(self.live.ladder_behind)),
            ("live.ffmpeg", path(Some(&self.live.ffmpeg))),
            ("limits.logins_per_account", json!(limits.logins_per_account)),
            ("limits.logins_per_address", json!(limits.logins_per_address)),
            ("limits.logins_of_unknown_browsers", json!(limits.logins_of_unknown_browsers)),
            ("limits.site_requests", json!(limits.site_requests)),
            ("limits.site_requests_per_account", json!(limits.site_requests_per_account)),
            ("limits.individualizations", json!(limits.individualizations)),
            ("limits.requests", json!(limits.requests)),
            ("limits.codes_per_account", json!(limits.codes_per_account)),
            ("limits.codes_per_address", json!(limits.codes_per_address)),
            ("limits.stream_keys_per_address", json!(limits.stream_keys_per_address)),
            ("limits.api_requests", json!(limits.api_requests)),
            ("limits.reports", json!(limits.reports)),
            ("limits.api_keys_per_address", json!(limits.api_keys_per_address)),
            ("limits.connections", json!(limits.connections)),
            ("limits.connections_per_address", json!(limits.connections_per_address)),
            ("storage.url", text(&self.storage.url)),
            ("storage.endpoint", json!(self.storage.endpoint)),
            ("storage.region", json!(self.storage.region)),
            ("storage.path_style", json!(self.storage.is_path_style())),
            ("storage.credentials", credentials),
            ("storage.cache", json!(self.storage.cache.0)),
            ("storage.redirect", json!(self.storage.redirect)),
            ("origin.sources", path(self.sources().as_deref())),
            ("origin.memory", json!(self.origin.memory)),
        ];
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
