//! `matinee user`.

use super::{block_on, now, open, open_existing, password};
use crate::args::User;
use crate::{Failure, output};
use serde_json::json;
use server::accounts::Belongings;
use server::{Config, accounts};
use std::io::{BufRead as _, BufReader, IsTerminal as _, Read as _, Write as _, stderr, stdin};

/// The longest answer that is read, in octets.
const MOST_ANSWER: u64 = 100;

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
                let store = open_existing(config).await?;
                accounts::set_password(&*store, &email, &password, keep_boxes).await?;
                store.close().await;
                if json.json {
                    return output::json(&json!({"email": email}));
                }
                output::line(&format!("Changed the password of {email}"))
            })
        }
        User::List(json) => block_on(async {
            let store = open_existing(config).await?;
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
        User::Delete { email, yes, json } => delete(config, &email, yes, json.json),
        User::Block { email, undo, json } => block(config, &email, !undo, json.json),
        User::Unblock { email, json } => block(config, &email, false, json.json),
    }
}

/// Deletes an account, once somebody has said that it is to be.
fn delete(config: &Config, email: &str, yes: bool, json: bool) -> Result<(), Failure> {
    let has = block_on(async {
        let store = open_existing(config).await?;
        let has = accounts::belongings(&*store, email, now()).await?;
        store.close().await;
        Ok(has)
    })?;
    if !yes {
        confirm(&has)?;
    }
    let had = block_on(async {
        let store = open_existing(config).await?;
        let had = accounts::delete(&*store, email, now()).await?;
        store.close().await;
        Ok(had)
    })?;
    if json {
        let Belongings { account, devices, sessions, viewed, queued, rated, links } = had;
        return output::json(&json!({"account": account.handle, "email": account.email, "devices": devices,
            "sessions": sessions, "viewed": viewed, "queued": queued, "rated": rated, "links": links}));
    }
    output::line(&format!("Deleted {}: {}", had.account.email, in_words(&had)))?;
    output::line("Its devices get nothing any more. The audit log has what it had of it, without the address")
}

/// Says what goes and what stays, and asks; without a terminal it refuses.
fn confirm(has: &Belongings) -> Result<(), Failure> {
    let email = &has.account.email;
    let mut terminal = stderr();
    if !(stdin().is_terminal() && terminal.is_terminal()) {
        let what = "there is no terminal to ask at, and nothing was deleted: say --yes if it is to be";
        return Err(Failure::Usage(what.to_owned()));
    }
    writeln!(terminal, "{email} is deleted for good: {}.", in_words(has))?;
    writeln!(
        terminal,
        "What plays ends as by `matinee user block`. The audit log keeps what it has, without the address."
    )?;
    write!(terminal, "Delete it? Type yes: ")?;
    terminal.flush()?;
    let mut answer = String::new();
    BufReader::new(stdin().take(MOST_ANSWER)).read_line(&mut answer)?;
    match answer.trim() {
        "yes" => Ok(()),
        _ => Err(Failure::Command(format!("{email} stays: nothing was deleted"))),
    }
}

/// What an account has, in words.
fn in_words(has: &Belongings) -> String {
    let Belongings { devices, sessions, viewed, queued, rated, links, .. } = has;
    let mut all = vec![
        format!("the account, devices: {devices}, sessions: {sessions}"),
        format!(
            "movies with positions: {viewed}, on the list: {queued}, rated: {rated}, and its playback log"
        ),
    ];
    if *links > 0 {
        all.push(format!("the link to a film that it is for: {links}"));
    }
    all.join(", ")
}

/// Blocks an account, or lets it in again.
fn block(config: &Config, email: &str, blocked: bool, json: bool) -> Result<(), Failure> {
    block_on(async {
        let store = open_existing(config).await?;
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
