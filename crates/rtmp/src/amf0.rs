//! AMF0 ("Action Message Format", AMF 0): values of commands.

use std::fmt::{self, Debug};
use zeroize::{Zeroize, Zeroizing};

/// Most values of a message, those in objects counted.
const MAX_VALUES: usize = 1024;
/// Deepest nesting.
const MAX_DEPTH: usize = 8;

/// A value. Of dates, XML and what is not supported only the place is kept. A stream key may be in a text.
#[derive(Clone, PartialEq)]
pub(crate) enum Value {
    Number(f64),
    Boolean(bool),
    Text(String),
    Object(Vec<(String, Value)>),
    List(Vec<Value>),
    Null,
}

impl Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => Debug::fmt(number, f),
            Self::Boolean(flag) => Debug::fmt(flag, f),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Object(fields) => {
                f.debug_map().entries(fields.iter().map(|(name, value)| (name, value))).finish()
            }
            Self::List(list) => Debug::fmt(list, f),
            Self::Null => f.write_str("Null"),
        }
    }
}

impl Zeroize for Value {
    fn zeroize(&mut self) {
        match self {
            Self::Text(text) => text.zeroize(),
            Self::Object(fields) => fields.zeroize(),
            Self::List(list) => list.zeroize(),
            Self::Number(_) | Self::Boolean(_) | Self::Null => {}
        }
    }
}

impl Value {
    pub(crate) fn text(value: &str) -> Self {
        Self::Text(value.to_owned())
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The field of an object.
    pub(crate) fn field(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Object(fields) => fields.iter().find(|(field, _)| field == name).map(|(_, value)| value),
            _ => None,
        }
    }
}

/// The values of a message up to the first that cannot be read: encoders get the end of theirs wrong.
pub(crate) fn read(data: &[u8]) -> Vec<Value> {
    let mut reader = Reader { rest: data, left: MAX_VALUES };
    let mut values = Vec::new();
    while !reader.rest.is_empty() {
        let Some(value) = reader.value(0) else { break };
        values.push(value);
    }
    values
}

struct Reader<'a> {
    rest: &'a [u8],
    /// Values that may still come.
    left: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    fn long(&mut self) -> Option<usize> {
        let octets: [u8; 4] = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(octets)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let octets: [u8; 2] = self.take(2)?.try_into().ok()?;
        let text = self.take(u16::from_be_bytes(octets).into())?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.left = self.left.checked_sub(1)?;
        if depth > MAX_DEPTH {
            return None;
        }
        match self.byte()? {
            0 => Some(Value::Number(f64::from_be_bytes(self.take(8)?.try_into().ok()?))),
            1 => Some(Value::Boolean(self.byte()? != 0)),
            2 => Some(Value::Text(self.text()?)),
            3 => self.fields(depth),
            // Null, undefined, unsupported.
            5 | 6 | 13 => Some(Value::Null),
            8 => {
                self.long()?;
                self.fields(depth)
            }
            10 => {
                let count = self.long()?;
                // What is not whole is wiped, too.
                let mut list = Zeroizing::new(Vec::<Value>::new());
                for _ in 0..count {
                    list.push(self.value(depth + 1)?);
                }
                Some(Value::List(std::mem::take(&mut *list)))
            }
            11 => self.take(10).map(|_| Value::Null),
            12 => {
                let len = self.long()?;
                Some(Value::Text(String::from_utf8_lossy(self.take(len)?).into_owned()))
            }
            15 => {
                let len = self.long()?;
                self.take(len).map(|_| Value::Null)
            }
            16 => {
                self.text()?;
                self.fields(depth)
            }
            // References among them: no encoder has any, and by them a few octets stand for gigabytes.
            _ => None,
        }
    }

    fn fields(&mut self, depth: usize) -> Option<Value> {
        let mut fields = Zeroizing::new(Vec::<(String, Value)>::new());
        loop {
            let name = self.text()?;
            if name.is_empty() {
                // The mark of the end.
                return (self.byte()? == 9).then(|| Value::Object(std::mem::take(&mut *fields)));
            }
            fields.push((name, self.value(depth + 1)?));
        }
    }
}

/// Writes values.
pub(crate) fn write(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    values.iter().for_each(|value| write_value(&mut out, value));
    out
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    let text = &text.as_bytes()[..text.len().min(u16::MAX.into())];
    out.extend((text.len() as u16).to_be_bytes());
    out.extend(text);
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Number(number) => {
            out.push(0);
            out.extend(number.to_be_bytes());
        }
        Value::Boolean(flag) => out.extend([1, u8::from(*flag)]),
        Value::Text(text) => {
            out.push(2);
            write_text(out, text);
        }
        Value::Object(fields) => {
            out.push(3);
            for (name, value) in fields {
                write_text(out, name);
                write_value(out, value);
            }
            out.extend([0, 0, 9]);
        }
        Value::List(list) => {
            out.push(10);
            out.extend(u32::try_from(list.len()).unwrap_or(u32::MAX).to_be_bytes());
            list.iter().for_each(|value| write_value(out, value));
        }
        Value::Null => out.push(5),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (-1e9..1e9f64).prop_map(Value::Number),
            any::<bool>().prop_map(Value::Boolean),
            "[a-z]{0,9}".prop_map(Value::Text),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::List),
                proptest::collection::vec(("[a-z]{1,9}", inner), 0..6).prop_map(Value::Object),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(values in proptest::collection::vec(values(), 0..6)) {
            prop_assert_eq!(read(&write(&values)), values);
        }

        #[test]
        fn arbitrary_octets_never_panic(data: Vec<u8>) {
            read(&data);
        }
    }

    #[test]
    fn what_would_grow_is_cut_off() {
        // A list of four thousand million, objects without end, and one that has itself in it twice.
        assert_eq!(read(&[10, 0xff, 0xff, 0xff, 0xff, 5, 5]), []);
        let deep: Vec<u8> = std::iter::repeat_n([3, 0, 1, b'a'], 10_000).flatten().collect();
        assert_eq!(read(&deep), []);
        assert_eq!(read(&[3, 0, 1, b'a', 7, 0, 0, 0, 1, b'b', 7, 0, 0, 0, 0, 9]), []);
        assert_eq!(read(&[5; 2000]).len(), MAX_VALUES);
        // What comes before something unknown is there.
        assert_eq!(read(&[5, 1, 1, 0x77, 5]), [Value::Null, Value::Boolean(true)]);
    }

    #[test]
    fn other_forms() {
        // An array with names, a date, a long text, a typed object.
        let data = [
            &[8, 0, 0, 0, 1, 0, 1, b'a', 1, 1, 0, 0, 9][..],
            &[11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[12, 0, 0, 0, 2, b'h', b'i'],
            &[16, 0, 1, b'C', 0, 0, 9],
        ];
        let expected = [
            Value::Object(vec![("a".to_owned(), Value::Boolean(true))]),
            Value::Null,
            Value::text("hi"),
            Value::Object(Vec::new()),
        ];
        assert_eq!(read(&data.concat()), expected);
    }
}
