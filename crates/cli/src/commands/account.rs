//! `matinee user`.

use super::{block_on, now, open, password};
use crate::args::User;
use crate::{Failure, output};
use serde_json::json;
use server::{Config, accounts};

pub(crate) fn run(config: &Config, command: User) -> Result<(), Failure> {
    match command {
        User::Add { email, plan, password, json } => {
            let password = password::read(password)?;
            block_on(async {
                let store = open(config).await?;
                let account = accounts::add(&*store, &email, &password, &plan, now()).await?;
                store.close().await;
                if json.json {
                    return output::json(&to_json(&account));
                }
                output::line(&format!("Added {} with plan {}", account.email, account.plan))
            })
        }
        User::Passwd { email, keep_boxes, password, json } => {
            let password = password::read(password)?;
            block_on(async {
                let store = open(config).await?;
                accounts::set_password(&*store, &email, &password, keep_boxes).await?;
                store.close().await;
                if json.json {
                    return output::json(&json!({"email": email}));
                }
                output::line(&format!("Changed the password of {email}"))
            })
        }
        User::List(json) => block_on(async {
            let store = open(config).await?;
            let accounts = accounts::list(&*store).await?;
            store.close().await;
            if json.json {
                let list: Vec<_> = accounts.iter().map(to_json).collect();
                return output::json(&list);
            }
            let row = |a: &server::store::Account| {
                let state = if a.disabled { "blocked" } else { "" };
                vec![a.email.clone(), a.plan.clone(), output::time(a.created), state.to_owned()]
            };
            output::table(&["EMAIL", "PLAN", "CREATED", ""], &accounts.iter().map(row).collect::<Vec<_>>())
        }),
        User::Block { email, undo, json } => block(config, &email, !undo, json.json),
        User::Unblock { email, json } => block(config, &email, false, json.json),
    }
}

/// Blocks an account, or lets it in again.
fn block(config: &Config, email: &str, blocked: bool, json: bool) -> Result<(), Failure> {
    block_on(async {
        let store = open(config).await?;
        accounts::set_disabled(&*store, email, blocked).await?;
        store.close().await;
        if json {
            return output::json(&json!({"email": email, "disabled": blocked}));
        }
        output::line(&match blocked {
            true => format!("Blocked {email}: its sessions have ended, and its devices get nothing any more"),
            false => format!("Unblocked {email}"),
        })
    })
}

fn to_json(a: &server::store::Account) -> serde_json::Value {
    json!({"account": a.handle, "email": a.email, "name": a.name, "plan": a.plan, "disabled": a.disabled, "created": a.created})
}
