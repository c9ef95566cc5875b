//! Where a file is, and how much a token opens.

/// How much a token opens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// The file's URL alone: parts are asked for by the header `Range`.
    #[default]
    File,
    /// The file and its parts by path, `…/range/a-b`.
    Ranges,
    /// All files of the film: whatever is in its folder.
    Folder,
}

/// A file below an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    base: &'a str,
    folder: &'a str,
    name: &'a str,
    /// What follows the file's name in the path that was asked for.
    below: &'a str,
}

impl<'a> Place<'a> {
    /// The file `name` of a folder. `base` is the URL before the edge's paths, without trailing slash;
    /// `folder` is the path of the film's folder, from slash to slash; `name` may have folders of its own.
    pub fn new(base: &'a str, folder: &'a str, name: &'a str) -> Self {
        Self { base, folder, name, below: "" }
    }

    /// The same file, asked for by `path`: its own path, or one below it.
    pub fn asked(&self, path: &'a str) -> Option<Self> {
        let below = path.strip_prefix(self.folder)?.strip_prefix(self.name)?;
        (below.is_empty() || below.starts_with('/')).then_some(Self { below, ..*self })
    }

    /// The same file under another URL.
    pub fn under(&self, base: &'a str) -> Self {
        Self { base, ..*self }
    }

    /// The folder's path as the edge sees it.
    pub(crate) fn folder(&self) -> &'a str {
        self.folder
    }

    /// The file's path as the edge sees it.
    pub(crate) fn path(&self) -> String {
        [self.folder, self.name].concat()
    }

    /// The path behind host and port in the base: where the network puts the edge's paths.
    fn before(&self) -> &'a str {
        let host = self.base.split_once("://").map_or(self.base, |(_, host)| host);
        host.find('/').map_or("", |at| &host[at..])
    }

    /// The file's path as the network sees it.
    pub(crate) fn cdn_path(&self) -> String {
        [self.before(), self.folder, self.name].concat()
    }

    /// The path of what was asked for as the network sees it.
    pub(crate) fn cdn_asked_path(&self) -> String {
        [self.before(), self.folder, self.name, self.below].concat()
    }

    /// What a token may be for that opens this file, each behind `front`: the file, and the folders that it
    /// is in, up to the film's.
    pub(crate) fn beginnings(&self, front: &str) -> Vec<String> {
        let ends = self.name.match_indices('/').map(|(at, _)| &self.name[..=at]);
        let names = std::iter::once(self.name).chain(ends).chain(std::iter::once(""));
        names.map(|name| [front, self.folder, name].concat()).collect()
    }

    /// As [`Place::beginnings`], as the network sees them.
    pub(crate) fn cdn_beginnings(&self) -> Vec<String> {
        self.beginnings(self.before())
    }

    /// As [`Place::beginnings`], with the whole URL.
    pub(crate) fn url_beginnings(&self) -> Vec<String> {
        self.beginnings(self.base)
    }

    /// The folder's path as the network sees it.
    pub(crate) fn cdn_folder(&self) -> String {
        [self.before(), self.folder].concat()
    }

    /// The file's URL without a token.
    pub(crate) fn url(&self) -> String {
        [self.base, self.folder, self.name].concat()
    }

    /// The URL of what was asked for, without its token.
    pub(crate) fn asked_url(&self) -> String {
        [self.base, self.folder, self.name, self.below].concat()
    }

    /// The folder's URL.
    pub(crate) fn folder_url(&self) -> String {
        [self.base, self.folder].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_as_edge_and_network_see_them() {
        let place = Place::new("https://cdn.example:8443/films", "/s/0/", "541/1811192541.mp4");
        assert_eq!(place.cdn_path(), "/films/s/0/541/1811192541.mp4");
        assert_eq!(
            (place.path(), place.cdn_folder()),
            ("/s/0/541/1811192541.mp4".into(), "/films/s/0/".into())
        );
        let part = place.asked("/s/0/541/1811192541.mp4/range/0-1").unwrap();
        assert_eq!(part.asked_url(), "https://cdn.example:8443/films/s/0/541/1811192541.mp4/range/0-1");
        assert_eq!(part.path(), place.path());
        for other in ["/s/0/541/1811192541.mp4x", "/s/1/541/1811192541.mp4", "/s/0/541", ""] {
            assert_eq!(place.asked(other), None, "{other}");
        }
        assert_eq!(Place::new("http://h", "/s/0/", "a").cdn_path(), "/s/0/a");
        assert_eq!(
            place.cdn_beginnings(),
            ["/films/s/0/541/1811192541.mp4", "/films/s/0/541/", "/films/s/0/"]
        );
        assert_eq!(Place::new("http://h", "/s/0/", "a").beginnings(""), ["/s/0/a", "/s/0/"]);
    }
}
