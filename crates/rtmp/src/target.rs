//! Where a publisher wants to send to.

use zeroize::Zeroizing;

/// Application and stream name as `connect` and `publish` give them, taken apart: `rtmp://host/school`,
/// `lecture?key=…`. Programs cut such addresses at different places, so they are put together first.
#[derive(Clone, PartialEq, Eq)]
pub struct Target {
    /// The parts of the path: the application, then the event.
    pub path: Vec<String>,
    /// What stands behind `key=`, first in the stream's name, else in the application.
    pub key: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Target").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Target {
    pub(crate) fn new(app: &str, name: &str) -> Self {
        let halves = [app, name].map(|text| text.split_once('?').unwrap_or((text, "")));
        let path = halves.iter().flat_map(|(path, _)| path.split('/')).filter(|part| !part.is_empty());
        let key = halves.iter().rev().find_map(|(_, query)| {
            query.split('&').find_map(|field| field.strip_prefix("key=")).filter(|key| !key.is_empty())
        });
        Self { path: path.map(str::to_owned).collect(), key: key.map(|key| Zeroizing::new(key.to_owned())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_in_all_their_forms() {
        for (app, name) in [
            ("school", "lecture?key=5ec"),
            ("school/", "/lecture?a=b&key=5ec"),
            ("school/lecture", "?key=5ec"),
            ("school?key=5ec", "lecture"),
            ("school?key=old", "lecture?key=5ec"),
        ] {
            let target = Target::new(app, name);
            assert_eq!(
                (target.path.join("/").as_str(), target.key.as_ref().map(|key| &key[..])),
                ("school/lecture", Some("5ec")),
                "{app} {name}"
            );
            assert!(!format!("{target:?}").contains("5ec"));
        }
        assert_eq!(Target::new("", "").path, [""; 0]);
        assert_eq!(Target::new("a", "b?key=").key, None);
    }
}
