//! `matinee apikey`.

use super::{block_on, now, open, open_existing};
use crate::args::ApiKey;
use crate::{Failure, output};
use serde_json::json;
use server::{Config, api_keys};

pub(crate) fn run(config: &Config, command: ApiKey) -> Result<(), Failure> {
    match command {
        ApiKey::Create { name, scope, json } => block_on(async {
            let store = open(config).await?;
            let (key, text) = api_keys::create(&*store, &name, &scope, now()).await?;
            store.close().await;
            if json.json {
                let text = text.as_str();
                return output::json(&json!({"name": key.name, "key": text, "scopes": key.scopes}));
            }
            // Alone, for scripts.
            output::line(&text)
        }),
        ApiKey::List(json) => block_on(async {
            let store = open_existing(config).await?;
            let keys = api_keys::list(&*store).await?;
            store.close().await;
            if json.json {
                let list = keys.iter().map(|key| {
                    let used = Some(key.last_used).filter(|used| *used > 0);
                    json!({"name": key.name, "scopes": key.scopes, "created": key.created, "last_used": used})
                });
                return output::json(&list.collect::<Vec<_>>());
            }
            let row = |key: &server::store::ApiKey| {
                let used = if key.last_used > 0 { output::time(key.last_used) } else { "never".to_owned() };
                vec![key.name.clone(), key.scopes.join(","), output::time(key.created), used]
            };
            output::table(
                &["NAME", "SCOPES", "CREATED", "LAST USED"],
                &keys.iter().map(row).collect::<Vec<_>>(),
            )
        }),
        ApiKey::Revoke { name, json } => block_on(async {
            let store = open_existing(config).await?;
            api_keys::revoke(&*store, &name).await?;
            store.close().await;
            if json.json {
                return output::json(&json!({"name": name}));
            }
            output::line(&format!("Revoked the key {name}"))
        }),
    }
}
