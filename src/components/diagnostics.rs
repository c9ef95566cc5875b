//! What a viewer can send to whoever helps, when a film cannot play.

use std::fmt::Write as _;

use localization::say;
use nccp::MovieId;
use web_player::{player::Statistics, problem::Problem};

use super::statistics;

/// What is known of a failure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Diagnostics {
    /// Which film.
    pub movie: Option<MovieId>,
    /// When, in ISO 8601.
    pub time: String,
    /// What the browser calls itself.
    pub browser: String,
    /// The page, as its path.
    pub page: String,
    /// The film's numbers, where a film was asked for.
    pub statistics: Option<Statistics>,
}

impl Diagnostics {
    /// As it is now, in this browser.
    pub(super) fn now(movie: Option<MovieId>, statistics: Option<Statistics>) -> Self {
        let window = gloo::utils::window();
        Self {
            movie,
            time: js_sys::Date::new_0().to_iso_string().into(),
            browser: window.navigator().user_agent().unwrap_or_default(),
            // A link's address is what opens it.
            page: page(&window.location().pathname().unwrap_or_default()),
            statistics,
        }
    }

    /// As text. It holds nothing that opens anything: no keys, no tickets, no grants, no addresses with
    /// tokens.
    pub(super) fn text(&self, problem: &Problem) -> String {
        let Self { movie, time, browser, page, statistics } = self;
        let mut text = format!("{}\n{}\n", say::details_code(&problem.code), problem.sentence());
        if let Some(movie) = movie {
            let _ = writeln!(text, "{}", say::details_film(&movie.to_string()));
        }
        for line in [say::details_time(time), say::details_page(page), say::details_browser(browser)] {
            text += &line;
            text.push('\n');
        }
        if let Some(numbers) = statistics {
            text += &statistics::text(numbers);
        }
        text
    }
}

/// The first part of a path.
fn page(path: &str) -> String {
    format!("/{}", path.split('/').nth(1).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_details_say_what_helps_and_nothing_secret() {
        let details = Diagnostics {
            movie: "1001".parse().ok(),
            time: "2026-11-29T20:15:00.000Z".into(),
            browser: "Mozilla/5.0".into(),
            page: page("/v/what-opens-it"),
            statistics: Some(Statistics { position: 12.0, ..Statistics::default() }),
        };
        let text = details.text(&Problem::network());
        for part in [
            "Code: NETWORK\n",
            "The service does not answer.",
            "Film: 1001\n",
            "Time: 2026-11-29T",
            "Position: 0:12\n",
        ] {
            assert!(text.contains(part), "{text}");
        }
        assert!(text.contains("Page: /v\n") && !text.contains("what-opens-it"), "{text}");
        let bare = Diagnostics { movie: None, statistics: None, ..details };
        assert!(!bare.text(&Problem::network()).contains("Film:"));
    }
}
