//! What is said about every code: in an alert, and at greater length on the page `/help/CODE`.

/// The words for a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// As the error table (docs/protocol.md, section 4) or the player writes it.
    pub code: &'static str,
    /// One line, without a full stop.
    pub title: &'static str,
    /// What it means, and the first thing to do. What only a server or the player can know may stand in its place.
    pub text: &'static str,
    /// What else there is to know and to do.
    pub more: &'static str,
}

/// The words for a code; `None`: it is not known.
pub fn of(code: &str) -> Option<&'static Words> {
    TABLE.iter().find(|words| words.code == code)
}

macro_rules! words {
    ($($code:literal $title:literal $text:literal $more:literal;)*) => {
        /// Every code that a viewer may see.
        pub const TABLE: &[Words] = &[$(Words { code: $code, title: $title, text: $text, more: $more }),*];
    };
}

words! {
    "REQUEST_INVALID" "The service refused" "The request was not understood."
        "This page and the service may be of different versions. Load the page again; if that does not help, tell the service which code you see.";
    "ORIGIN_REFUSED" "The service refused" "Requests from that site are not accepted."
        "The page that shows the film is not one of those that may. Open the film on the service's own site, or tell the owner of the page.";
    "NOT_AUTHENTIC" "This device could not be registered"
        "Registering this browser again did not help. Try again, or sign out and in."
        "The service could not make sure that the request came from this device. If signing out and in does not help, remove the site's data in the browser's settings and sign in anew.";
    "SEQUENCE_OUT_OF_ORDER" "This device could not be registered"
        "Registering this browser again did not help. Try again, or sign out and in."
        "This happens when a browser's profile was copied or restored from a backup: two devices then speak in one name. Sign out and in.";
    "TICKET_EXPIRED" "This device could not be registered"
        "Registering this browser again did not help. Try again, or sign out and in."
        "The device's registration is over and could not be renewed.";
    "DEVICE_UNKNOWN" "This device could not be registered"
        "Registering this browser again did not help. Try again, or sign out and in."
        "Somebody may have removed this device from the account. Signing in again adds it, where there is a free place.";
    "CLOCK_SKEW" "The clock is wrong"
        "This device's clock differs too much from the service's. Set it, then try again."
        "Have the system set its date, time and time zone by itself: licenses are only good for some time, so the clock matters.";
    "LOGIN_REQUIRED" "Please sign in" "Your session has ended."
        "Sessions end after some time, when the password is changed, and when somebody signs out everywhere.";
    "LOGIN_FAILED" "That did not work" "Email or password is wrong."
        "Look at capital letters and at the keyboard's language. After many attempts the service makes you wait.";
    "GRANT_INVALID" "Not allowed to play here" "This page's permission to play the title is not valid."
        "The page that shows the film gives a permission that is good for a short time only. Load that page again.";
    "DEVICE_LIMIT_REACHED" "Device Limit Reached"
        "This account has as many devices as it may have. Remove one that you no longer use to continue on this device."
        "Every browser, and every profile of it, counts as a device. Removing one signs nobody out of the account; it comes back when it plays again.";
    "REMOVAL_LIMIT_REACHED" "Too many devices were removed" "Too many devices were removed lately."
        "Devices can be removed only so often in a month. Watch on one of the account's devices meanwhile, or ask the service.";
    "RENEW_OTHER_CUSTOMER" "Another account is signed in"
        "This browser was registered for another account. Sign out, and sign in again."
        "Two people who share a browser should each have a profile of it.";
    "NOT_SUBSCRIBED" "Not in your plan" "Your plan does not include this title."
        "Another plan may include it. The service can say which.";
    "STREAM_LIMIT" "Playing elsewhere" "Your plan does not allow more films at the same time."
        "The message lists what plays where, and can stop it. A device that was switched off counts for a few minutes more.";
    "STREAM_STOPPED" "Playing elsewhere now"
        "Your plan does not allow more films at the same time, so this one stopped."
        "Somebody began to watch on another device of the account. If you know nobody who would, change the password.";
    "NETWORK_LIMIT" "Used in too many places" "This device is used in too many networks."
        "A device that changes its network very often looks like a copied one. Switch off VPNs that do so, and try again in an hour.";
    "REGION_NOT_ALLOWED" "Not available where you are"
        "It is not offered in the country that your connection comes from. If that is a VPN's or a proxy's, switch it off and try again."
        "Which titles may be shown is agreed on by country. The place is taken from the connection's address.";
    "MOVIE_UNKNOWN" "No such title" "It may have left the library."
        "Look for it in the library: its address may have changed.";
    "MOVIE_NOT_AVAILABLE" "Not available at the moment" "This title is not available at the moment."
        "It may not have been released yet, or be over. The library says what can be watched.";
    "EVENT_WAITING" "Not begun yet" "This event has not begun yet."
        "The page begins by itself when it does.";
    "EVENT_ENDED" "The event has ended" "Where there is a recording it will be in the library soon."
        "Nothing of it can be seen until then.";
    "POLICY_REFUSED" "Not allowed on this device" "The title's rules do not allow it to play here."
        "Rules can ask for one display only, for a browser that keeps its keys well, or for other devices. Disconnect a second display, use the current version of your browser outside of a private window, or another device.";
    "CHALLENGE_INVALID" "The license was refused"
        "The license server did not accept this device. Trying again usually helps."
        "If it does not: load the page again, and look at the device's clock.";
    "CERTIFICATE_INVALID" "The license was refused"
        "The license server did not accept this device. Trying again usually helps."
        "This version of the player may have been withdrawn. Load the page again to get the current one.";
    "CODE_EXPIRED" "That code has expired" "Codes of a TV are good for ten minutes."
        "The TV shows a new one by itself.";
    "CODE_UNKNOWN" "There is no such code" "Look at the code on the TV again."
        "Codes have no O, I, 0 and 1 in them.";
    "TRY_LATER" "The service is busy" "Try again in a minute."
        "Nothing is wrong at your end.";
    "NETWORK" "The service does not answer"
        "Check your connection. Nothing is lost: it goes on where it stopped."
        "The player goes on by itself when the browser says that the network is back. If other sites work, the service may be down, or something between (a firewall, a blocker) may hold it up.";
    "SERVICE" "The service has a problem" "It answered with an error of its own."
        "Try again in a few minutes.";
    "BROWSER_UNSUPPORTED" "This browser cannot play protected films"
        "A current version of Chrome, Edge, Firefox or Safari can."
        "Private windows and strict settings can take away what the player needs: storage, workers, WebAssembly.";
    "INDIVIDUALIZATION" "This browser could not be set up for playback"
        "The service that sets up browsers did not answer as expected. Try again."
        "Look at the device's clock, and load the page again.";
    "MODULE_MISMATCH" "The protection module is out of date" "Reload the page to get the current version."
        "The service was updated while the page was open.";
    "LICENSE_INVALID" "The license is not valid" "The player could not use the license that came."
        "Try again. If it happens with one title only, tell the service which.";
    "LICENSE_EXPIRED" "The license has ended" "The time for which this title could be watched is over."
        "Open it again for a new license, where the title is still offered. Without a network a license cannot be renewed.";
    "MEDIA" "The film is damaged" "A part of it could not be decrypted."
        "The player has fetched the part twice. If it happens at the same place again, tell the service title and time.";
    "MEDIA_UNREACHABLE" "The film isn't loading" "No media server can be reached."
        "The player goes on by itself when the browser says that the network is back. If other sites work, something between (a firewall, a blocker, a VPN) may hold the film up.";
    "MEDIA_REFUSED" "The media server refused" "The addresses of the film are not accepted."
        "Load the page again to get new ones. A VPN that changes its address can be the reason.";
    "FILM_CHANGED" "The film was replaced" "The film changed on the server while it was playing."
        "Try again: it goes on where it stopped.";
    "NOTHING_TO_PLAY" "This browser can't play this film" "It has no picture or sound that this browser decodes."
        "Another browser, or another device, may.";
    "PLAYBACK" "Playback stopped" "The browser could not play what it received."
        "Close other pages with films, load the page again, and look for an update of the browser.";
    "PLAYBACK_STUCK" "Playback is stuck" "The picture does not move although it is there."
        "Load the page again. If it happens often, an update of the browser or of the graphics driver helps.";
    "STORAGE" "Device storage failed"
        "The browser cannot store this site's device keys. A private window or a full disk may be the reason."
        "Allow the site to keep data, or make room on the disk.";
    "PLAYER" "The player is stuck" "Something happened that the player did not expect."
        "Load the page again. If it comes back, copy the details and send them to the service.";
}

#[cfg(test)]
mod tests {
    use nccp::ErrorCode;

    use super::*;

    #[test]
    fn every_code_has_words_and_only_one() {
        for code in ErrorCode::ALL.iter().filter(|code| **code != ErrorCode::Other) {
            assert!(of(code.as_str()).is_some(), "{code}");
        }
        for (n, words) in TABLE.iter().enumerate() {
            assert!(TABLE[..n].iter().all(|other| other.code != words.code), "{} twice", words.code);
            assert!(!words.title.ends_with('.'), "{}", words.code);
            for text in [words.text, words.more] {
                assert!(text.ends_with('.') && text.len() > 10, "{}: {text}", words.code);
            }
        }
        assert_eq!(of("NO_SUCH_CODE"), None);
    }

    /// The table of docs/protocol.md names no code that has no words.
    #[test]
    fn the_documents_codes_have_words() {
        let document = include_str!("../../../docs/protocol.md");
        let (_, table) = document.split_once("\n## 4. Errors\n").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();
        let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split(" | ").next());
        let codes: Vec<&str> =
            rows.flat_map(|cell| cell.split(['`', ',', ' '])).filter(|c| !c.is_empty()).collect();
        assert!(codes.len() > 20, "{codes:?}");
        for code in codes {
            assert!(of(code).is_some(), "{code}");
        }
    }
}
