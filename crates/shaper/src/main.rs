//! `shaper`: a bad network to try things on.

#![forbid(unsafe_code)]

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use shaper::{Link, Proxy, Rule};

/// Stands between a browser and a server and plays a bad network.
#[derive(Debug, Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// The server.
    #[arg(long, default_value = "127.0.0.1:8080")]
    to: SocketAddr,
    /// Megabits per second in each direction [default: no limit].
    #[arg(long)]
    megabits: Option<f64>,
    /// Milliseconds to the server and back.
    #[arg(long, default_value_t = 0)]
    rtt: u64,
    /// A fault: path, fault and perhaps count, for instance "/s/* status:503 3". Faults: status:N, reset:N,
    /// truncate:N, stall:N, no-answer, corrupt:OFFSET+LENGTH.
    #[arg(long)]
    rule: Vec<Rule>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> std::io::Result<()> {
    let proxy = Proxy::start_at(arguments.listen, arguments.to)?;
    proxy.set_link(Link { megabits: arguments.megabits, rtt: Duration::from_millis(arguments.rtt) });
    arguments.rule.into_iter().for_each(|rule| proxy.add_rule(rule));
    println!("{} passes on to {}; Ctrl-C ends it", proxy.url(), arguments.to);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(tokio::signal::ctrl_c())?;
    for (kind, count) in proxy.counts() {
        println!("{kind:?}: {} requests, {} octets", count.requests, count.octets);
    }
    Ok(())
}
