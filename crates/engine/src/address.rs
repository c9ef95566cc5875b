//! URLs of ranges and of files in a folder.

use crate::model::{ByteRange, RangeForm};

/// The URL for a range: `/range/a-b` goes before the query (docs/protocol.md §8).
pub fn ranged_url(url: &str, form: RangeForm, range: ByteRange) -> String {
    match form {
        RangeForm::Header => url.to_owned(),
        RangeForm::Path => before_query(url, &format!("/range/{}-{}", range.start, range.end)),
    }
}

/// The URL of a file in a folder, whose URL ends in `/` before its query.
pub fn file_url(folder: &str, name: &str) -> String {
    before_query(folder, name)
}

fn before_query(url: &str, more: &str) -> String {
    match url.split_once('?') {
        Some((path, query)) => format!("{path}{more}?{query}"),
        None => format!("{url}{more}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a76_range_goes_into_the_path_before_the_query() {
        let range = ByteRange::new(0, 23).unwrap();
        let url = "http://cdn/s/0/541/1811192541.mp4?p=44&e=1&h=2";
        assert_eq!(
            ranged_url(url, RangeForm::Path, range),
            "http://cdn/s/0/541/1811192541.mp4/range/0-23?p=44&e=1&h=2"
        );
        assert_eq!(ranged_url(url, RangeForm::Header, range), url);
        assert_eq!(ranged_url("http://cdn/a.mp4", RangeForm::Path, range), "http://cdn/a.mp4/range/0-23");
    }

    #[test]
    fn a_file_goes_into_the_path_before_the_query() {
        let folder = "http://cdn/s/live/a/b/0a1b2c3d/v720/?p=40&e=1&h=2";
        assert_eq!(file_url(folder, "7.m4s"), "http://cdn/s/live/a/b/0a1b2c3d/v720/7.m4s?p=40&e=1&h=2");
        assert_eq!(file_url("http://cdn/v720/", "init.mp4"), "http://cdn/v720/init.mp4");
    }
}
