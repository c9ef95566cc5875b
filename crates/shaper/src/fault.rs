use std::str::FromStr;

use nccp::ByteRange;
use wildmatch::WildMatch;

/// What goes wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The answer is this status, with no word from the server. CORS allows everybody to see it.
    Status(u16),
    /// The connection is reset (RST) once so many octets of the body are through.
    Reset {
        /// Octets of the body.
        after: u64,
    },
    /// The connection is closed in good order (FIN) once so many octets of the body are through: fewer than
    /// `Content-Length` says.
    Truncate {
        /// Octets of the body.
        after: u64,
    },
    /// Nothing comes any more once so many octets of the body are through, and the connection stays.
    Stall {
        /// Octets of the body.
        after: u64,
    },
    /// Not even a head comes; the connection stays. The server is not asked.
    NoAnswer,
    /// Octets of the file are inverted, wherever in an answer they come.
    Corrupt {
        /// The first one's place in the file.
        offset: u64,
        /// How many.
        length: u64,
    },
}

/// Which answers a fault happens to.
#[derive(Debug, Clone)]
pub struct Rule {
    path: WildMatch,
    method: Option<String>,
    overlap: Option<ByteRange>,
    skip: u64,
    left: Option<u64>,
    fault: Fault,
}

impl Rule {
    /// A fault for all requests whose path (without query) matches; `*` stands for anything, `?` for one
    /// character.
    #[must_use]
    pub fn new(path: &str, fault: Fault) -> Self {
        Self { path: WildMatch::new(path), method: None, overlap: None, skip: 0, left: None, fault }
    }

    /// Only the first so many of them.
    #[must_use]
    pub fn times(mut self, count: u64) -> Self {
        self.left = Some(count);
        self
    }

    /// Not the first so many of them.
    #[must_use]
    pub fn after(mut self, count: u64) -> Self {
        self.skip = count;
        self
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests for a range (by header or path) that has an octet in common with this one.
    #[must_use]
    pub fn overlapping(mut self, range: ByteRange) -> Self {
        self.overlap = Some(range);
        self
    }

    /// Whether it is this request's turn; counts it.
    pub(crate) fn takes(&mut self, method: &str, path: &str, range: Option<ByteRange>) -> Option<Fault> {
        let meets = |wanted: ByteRange| {
            range.is_some_and(|range| range.first() <= wanted.last() && wanted.first() <= range.last())
        };
        let fits = self.path.matches(path)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.overlap.is_none_or(meets);
        if !fits || self.left == Some(0) {
            return None;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        self.left = self.left.map(|left| left - 1);
        Some(self.fault)
    }
}

/// A rule's text that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// Not `PATH FAULT` or `PATH FAULT COUNT`.
    #[error("\"{0}\" is not a path, a fault and perhaps a count, with spaces between")]
    Form(String),
    /// No such fault.
    #[error("\"{0}\" is none of status:N, reset:N, truncate:N, stall:N, no-answer, corrupt:OFFSET+LENGTH")]
    Fault(String),
}

/// `/s/* status:503 3`
impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let form = || RuleError::Form(text.to_owned());
        match words[..] {
            [path, fault] => Ok(Self::new(path, fault.parse()?)),
            [path, fault, count] => {
                Ok(Self::new(path, fault.parse()?).times(count.parse().map_err(|_| form())?))
            }
            _ => Err(form()),
        }
    }
}

impl FromStr for Fault {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        let unknown = || RuleError::Fault(text.to_owned());
        let (name, value) = text.split_once(':').unwrap_or((text, ""));
        let number = |text: &str| text.parse::<u64>().map_err(|_| unknown());
        Ok(match name {
            "status" => match value.parse() {
                Ok(status @ 200..=599) => Self::Status(status),
                _ => return Err(unknown()),
            },
            "reset" => Self::Reset { after: number(value)? },
            "truncate" => Self::Truncate { after: number(value)? },
            "stall" => Self::Stall { after: number(value)? },
            "no-answer" if value.is_empty() => Self::NoAnswer,
            "corrupt" => {
                let (offset, length) = value.split_once('+').ok_or_else(unknown)?;
                Self::Corrupt { offset: number(offset)?, length: number(length)? }
            }
            _ => return Err(unknown()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(first: u64, last: u64) -> Option<ByteRange> {
        ByteRange::new(first, last).ok()
    }

    #[test]
    fn a_rule_takes_its_turns() {
        let mut rule = Rule::new("/s/*.mp4*", Fault::Status(503)).after(1).times(2).method("GET");
        assert_eq!(rule.takes("GET", "/library", None), None);
        assert_eq!(rule.takes("HEAD", "/s/0/1.mp4", None), None);
        let turns: Vec<bool> =
            (0..4).map(|_| rule.takes("GET", "/s/0/1.mp4/range/0-1", None).is_some()).collect();
        assert_eq!(turns, [false, true, true, false]);
    }

    #[test]
    fn a_rule_for_a_part_of_the_file() {
        let mut rule = Rule::new("*", Fault::NoAnswer).overlapping(ByteRange::new(100, 199).unwrap());
        assert_eq!(rule.takes("GET", "/", None), None);
        for (first, last, taken) in
            [(0, 99, false), (0, 100, true), (150, 150, true), (199, 300, true), (200, 300, false)]
        {
            assert_eq!(rule.takes("GET", "/", range(first, last)).is_some(), taken, "{first}-{last}");
        }
    }

    #[test]
    fn rules_as_text() {
        let mut rule: Rule = "/s/* truncate:10 1".parse().unwrap();
        assert_eq!(rule.takes("GET", "/s/a", None), Some(Fault::Truncate { after: 10 }));
        assert_eq!(rule.takes("GET", "/s/a", None), None);
        assert_eq!("corrupt:5+3".parse(), Ok(Fault::Corrupt { offset: 5, length: 3 }));
        for wrong in ["status:99", "status:x", "reset", "corrupt:5", "no-answer:1", "flood"] {
            assert_eq!(wrong.parse::<Fault>(), Err(RuleError::Fault(wrong.into())));
        }
        assert!("/s/*".parse::<Rule>().is_err() && "/s/* status:503 many".parse::<Rule>().is_err());
    }
}
