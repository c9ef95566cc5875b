//! The commands: each reads what it needs, calls a library, prints.

mod account;
mod add;
mod api_key;
mod audit;
mod box_run;
mod box_screen;
mod boxes;
mod check;
mod configuration;
mod device;
mod exchange;
mod film;
mod film_picture;
mod given_keys;
mod inspect;
mod key_server;
mod keys;
mod live;
mod movie;
mod numbers;
mod password;
mod policy;
mod poster;
mod progress;
mod qr_code;
mod serve;
mod share;
mod storage;
mod tracks;
mod url;

use crate::Failure;
use crate::args::{Arguments, BoxCommand, Command};
use server::store::Store;
use server::{Clock, Config, Overrides};
use std::sync::Arc;

/// Folder of half-made films in the data folder.
const WORK: &str = "work";

/// Runs a command.
pub(crate) fn run(arguments: Arguments) -> Result<(), Failure> {
    let Arguments { config, data, command } = arguments;
    let overrides = Overrides { data, ..Overrides::default() };
    let load = |overrides| Config::load(config.as_deref(), overrides).map_err(Failure::from);
    match command {
        Command::Serve(serve) => {
            let overrides = Overrides {
                public_url: serve.public_url,
                listen: serve.listen,
                roles: serve.roles,
                site: serve.site,
                ..overrides
            };
            self::serve::run(load(overrides)?)
        }
        Command::Add(add) => self::add::run(&load(overrides)?, *add),
        Command::Package(package) => film::package(&load(overrides)?, *package),
        Command::Inspect(inspect) => self::inspect::run(|| load(overrides), &inspect),
        Command::Check(check) => self::check::run(|| load(overrides), &check),
        Command::Decrypt(decrypt) => film::decrypt(&decrypt),
        Command::Keys(command) => keys::run(&load(overrides)?, command),
        Command::Box(BoxCommand::Provision { model, serial, output, json }) => {
            boxes::provision(&load(overrides)?, (&model, &serial), &output, json.json)
        }
        // A box has no configuration, and nothing of the site.
        Command::Box(BoxCommand::Run(run)) => box_run::run(run),
        Command::ApiKey(command) => api_key::run(&load(overrides)?, command),
        Command::Share(command) => share::run(&load(overrides)?, command),
        Command::User(command) => account::run(&load(overrides)?, command),
        Command::Device(command) => device::run(&load(overrides)?, command),
        Command::Movie(command) => movie::run(&load(overrides)?, command),
        Command::Url(url) => self::url::run(&load(overrides)?, &url),
        Command::Live(command) => live::run(&load(overrides)?, command),
        Command::Policy(command) => policy::run(&load(overrides)?, command),
        Command::Storage(command) => storage::run(&load(overrides)?, command),
        Command::Config(command) => configuration::run(&load(overrides)?, command),
        Command::Audit(audit) => self::audit::run(&load(overrides)?, audit),
    }
}

/// Runs a future to its end.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Command(format!("cannot start: {e}")))?;
    runtime.block_on(future)
}

/// Opens the database, which a running server may have open too, and makes it where there is none.
async fn open(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    server::open_data(&config.data)?;
    Ok(server::store::open(config).await?)
}

/// Opens the database for a command that needs what is there: in a wrong folder it makes nothing.
async fn open_existing(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    let elsewhere = config.database.server_url()?.is_some();
    if !elsewhere || config.data.exists() {
        data_is_there(config)?;
        if !has_database(config)? {
            let folder = std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone());
            return Err(Failure::Usage(format!(
                "there is no database in {}: name your data folder by --data, or make one, for example by `matinee user add \
                 EMAIL`",
                folder.display()
            )));
        }
        server::open_data(&config.data)?;
    }
    Ok(server::store::open(config).await?)
}

/// Whether there is a database, elsewhere or in the data folder.
fn has_database(config: &Config) -> Result<bool, Failure> {
    Ok(config.database.server_url()?.is_some() || config.database().exists())
}

/// Whether there is a data folder; else says what to do.
fn data_is_there(config: &Config) -> Result<(), Failure> {
    if config.data.exists() {
        return Ok(());
    }
    let folder = std::path::absolute(&config.data).unwrap_or_else(|_| config.data.clone());
    Err(Failure::Usage(format!(
        "there is no data folder at {}: name yours by --data, or make one, for example by `matinee user add EMAIL`",
        folder.display()
    )))
}

fn now() -> u64 {
    Clock::System.now()
}
