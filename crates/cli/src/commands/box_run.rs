//! `matinee box run`: a TV device in the terminal.

use super::box_screen::{self, Closed};
use crate::Failure;
use crate::args::{BoxRun, SinkName};
use std::io::BufRead as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tv_box::{Identity, Options, Sink, Wish};

/// Status of a process that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

pub(crate) fn run(run: BoxRun) -> Result<(), Failure> {
    let BoxRun { box_file, state, sink, speed, play, once, json } = run;
    if speed.is_some() && sink != SinkName::Null {
        return Err(Failure::Usage("--speed goes with --sink null only".to_owned()));
    }
    let sink = match sink {
        SinkName::Null => Sink::Null { speed: speed.unwrap_or(1.0) },
        SinkName::Ffplay => Sink::Ffplay,
        SinkName::Mpv => Sink::Mpv,
        SinkName::Auto => Sink::Auto,
    };
    let identity = Identity::read(&box_file)?;
    let (wish, wishes) = mpsc::channel(8);
    let state = state.unwrap_or_else(|| box_file.with_extension("state"));
    let options = Options { identity, state, sink, play, once, wishes };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::Command(format!("cannot start: {e}")))?;
    let closed = Closed::default();
    let mut screen = box_screen::open(json, wish.clone(), closed.clone());
    read_keys(wish.clone());
    let result = runtime.block_on(async {
        tokio::spawn(heed_signals(wish));
        tv_box::run(options, &mut *screen).await
    });
    drop(screen);
    // Making a spare key must not keep a box that was stopped alive.
    runtime.shutdown_background();
    if let Some(error) = closed.take() {
        return Err(Failure::Output(error));
    }
    result?;
    Ok(())
}

/// SIGINT and SIGTERM end the box in order; once more, at once.
async fn heed_signals(wish: mpsc::Sender<Wish>) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return;
    };
    let mut told = false;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if std::mem::replace(&mut told, true) {
            std::process::exit(INTERRUPTED);
        }
        // Its other end is gone when the box has ended already.
        let _ = wish.send(Wish::Stop).await;
    }
}

/// Lines of standard input, on a thread that ends with the process.
fn read_keys(wish: mpsc::Sender<Wish>) {
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let wanted = match line.trim() {
                "p" => Wish::Pause,
                "n" => Wish::Next,
                "q" => Wish::Stop,
                _ => continue,
            };
            if wish.blocking_send(wanted).is_err() {
                return;
            }
        }
    });
}
