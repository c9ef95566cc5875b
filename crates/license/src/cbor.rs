//! Deterministic CBOR (RFC 8949 §4.2.1), as far as this crate's objects need it: unsigned integers, byte and
//! text strings, arrays, maps with ascending integer labels, booleans.
//!
//! Written here rather than taken from coset and ciborium or minicbor: the reader takes nothing but the
//! deterministic form, so there is nothing left to check afterwards, and the DRM module is some 60 KB (20 KB
//! compressed) smaller. The tests read its output with minicbor.

use cenc::Kid;

use crate::{Error, MAX_OBJECT};

/// Major types (RFC 8949 §3.1).
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const NEGATIVE: u8 = 1;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const SIMPLE: u8 = 7;
}

/// Encodes a value.
pub(crate) fn encode<T: Cbor>(value: &T) -> Vec<u8> {
    let mut out = Writer::default();
    value.write(&mut out);
    out.0
}

/// Decodes octets that must be exactly one value in its deterministic form.
pub(crate) fn decode<T: Cbor>(octets: &[u8]) -> Result<T, Error> {
    let mut reader = Reader::new(octets)?;
    let value = T::read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// A value with one encoding.
pub(crate) trait Cbor: Sized {
    fn write(&self, out: &mut Writer);
    fn read(reader: &mut Reader<'_>) -> Result<Self, Error>;
}

/// Takes values one after the other.
pub(crate) struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    /// Refuses what is too large to be an object.
    pub(crate) fn new(octets: &'b [u8]) -> Result<Self, Error> {
        if octets.len() > MAX_OBJECT { Err(Error::Malformed) } else { Ok(Self(octets)) }
    }

    fn take(&mut self, len: u64) -> Result<&'b [u8], Error> {
        let len = usize::try_from(len).map_err(|_| Error::Malformed)?;
        let (taken, rest) = self.0.split_at_checked(len).ok_or(Error::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// The argument of a head of this major type, which must be in its shortest form.
    fn head(&mut self, major: u8) -> Result<u64, Error> {
        let (&first, rest) = self.0.split_first().ok_or(Error::Malformed)?;
        self.0 = rest;
        let info = first & 0x1f;
        let (extra, least) = match info {
            0..=23 => (0, 0),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            // Reserved, or of indefinite length.
            _ => return Err(Error::Malformed),
        };
        let argument = self.take(extra)?.iter().fold(0, |value, &octet| value << 8 | u64::from(octet));
        let argument = if extra == 0 { u64::from(info) } else { argument };
        if first >> 5 != major || argument < least { Err(Error::Malformed) } else { Ok(argument) }
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64, Error> {
        self.head(major::UNSIGNED)
    }

    /// A negative integer −1 − n, as n.
    pub(crate) fn negative(&mut self) -> Result<u64, Error> {
        self.head(major::NEGATIVE)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'b [u8], Error> {
        let len = self.head(major::BYTES)?;
        self.take(len)
    }

    pub(crate) fn text(&mut self) -> Result<&'b str, Error> {
        let len = self.head(major::TEXT)?;
        core::str::from_utf8(self.take(len)?).map_err(|_| Error::Malformed)
    }

    /// Number of elements of an array.
    pub(crate) fn array(&mut self) -> Result<u64, Error> {
        self.head(major::ARRAY)
    }

    /// A map, whose fields are then asked for in ascending order.
    pub(crate) fn map(&mut self) -> Result<Map<'_, 'b>, Error> {
        let left = self.head(major::MAP)?;
        Ok(Map { reader: self, left })
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Malformed) }
    }
}

/// A map that is being read.
pub(crate) struct Map<'r, 'b> {
    pub(crate) reader: &'r mut Reader<'b>,
    left: u64,
}

impl Map<'_, '_> {
    /// Takes a label if it is the next one.
    fn label_is_next(&mut self, label: u64) -> Result<bool, Error> {
        let before = self.reader.0;
        if self.left == 0 || self.reader.unsigned()? != label {
            self.reader.0 = before;
            return Ok(false);
        }
        self.left -= 1;
        Ok(true)
    }

    /// Takes a label that must be the next one.
    pub(crate) fn label(&mut self, label: u64) -> Result<(), Error> {
        if self.label_is_next(label)? { Ok(()) } else { Err(Error::Malformed) }
    }

    /// There may be no other labels.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.left == 0 { Ok(()) } else { Err(Error::Malformed) }
    }
}

/// Puts values one after the other.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    fn head(&mut self, major: u8, argument: u64) {
        let octets = argument.to_be_bytes();
        let (info, extra) = match argument {
            0..=23 => (argument as u8, 0),
            24..=0xff => (24, 1),
            0x100..=0xffff => (25, 2),
            0x1_0000..=0xffff_ffff => (26, 4),
            _ => (27, 8),
        };
        self.0.push(major << 5 | info);
        self.0.extend_from_slice(&octets[8 - extra..]);
    }

    pub(crate) fn unsigned(&mut self, value: u64) {
        self.head(major::UNSIGNED, value);
    }

    /// The negative integer −1 − n.
    pub(crate) fn negative(&mut self, n: u64) {
        self.head(major::NEGATIVE, n);
    }

    pub(crate) fn bytes(&mut self, octets: &[u8]) {
        self.head(major::BYTES, octets.len() as u64);
        self.0.extend_from_slice(octets);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.head(major::TEXT, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn array(&mut self, len: u64) {
        self.head(major::ARRAY, len);
    }

    pub(crate) fn map(&mut self, len: u64) {
        self.head(major::MAP, len);
    }

    /// What was written.
    pub(crate) fn into_octets(self) -> Vec<u8> {
        self.0
    }
}

/// A field of a map: a value, or an `Option` that is left out when `None`.
pub(crate) trait Field: Sized {
    fn present(&self) -> bool;
    fn write_field(&self, label: u64, out: &mut Writer);
    fn read_field(map: &mut Map<'_, '_>, label: u64) -> Result<Self, Error>;
}

impl<T: Cbor> Field for T {
    fn present(&self) -> bool {
        true
    }

    fn write_field(&self, label: u64, out: &mut Writer) {
        out.unsigned(label);
        self.write(out);
    }

    fn read_field(map: &mut Map<'_, '_>, label: u64) -> Result<Self, Error> {
        map.label(label)?;
        T::read(map.reader)
    }
}

impl<T: Cbor> Field for Option<T> {
    fn present(&self) -> bool {
        self.is_some()
    }

    fn write_field(&self, label: u64, out: &mut Writer) {
        if let Some(value) = self {
            value.write_field(label, out);
        }
    }

    fn read_field(map: &mut Map<'_, '_>, label: u64) -> Result<Self, Error> {
        if map.label_is_next(label)? { T::read(map.reader).map(Some) } else { Ok(None) }
    }
}

/// A struct as a map: labels in ascending order.
macro_rules! cbor_map {
    ($name:ident { $($label:literal: $field:ident),* $(,)? }) => {
        impl crate::cbor::Cbor for $name {
            fn write(&self, out: &mut crate::cbor::Writer) {
                use crate::cbor::Field;
                out.map([$(self.$field.present()),*].into_iter().map(u64::from).sum());
                $(self.$field.write_field($label, out);)*
            }

            fn read(reader: &mut crate::cbor::Reader<'_>) -> Result<Self, crate::Error> {
                let mut map = reader.map()?;
                let value = Self { $($field: crate::cbor::Field::read_field(&mut map, $label)?),* };
                map.end()?;
                Ok(value)
            }
        }
    };
}

/// An enum as an unsigned integer.
macro_rules! cbor_number {
    ($name:ident { $($number:literal: $variant:ident),* $(,)? }) => {
        impl crate::cbor::Cbor for $name {
            fn write(&self, out: &mut crate::cbor::Writer) {
                out.unsigned(match self { $(Self::$variant => $number),* });
            }

            fn read(reader: &mut crate::cbor::Reader<'_>) -> Result<Self, crate::Error> {
                match reader.unsigned()? {
                    $($number => Ok(Self::$variant),)*
                    _ => Err(crate::Error::Malformed),
                }
            }
        }
    };
}

/// Vectors of these as arrays.
macro_rules! cbor_array {
    ($($name:ident),*) => { $(
        impl crate::cbor::Cbor for Vec<$name> {
            fn write(&self, out: &mut crate::cbor::Writer) {
                out.array(self.len() as u64);
                self.iter().for_each(|element| element.write(out));
            }

            fn read(reader: &mut crate::cbor::Reader<'_>) -> Result<Self, crate::Error> {
                // Grows with what is there, not with what is claimed.
                let mut elements = Vec::new();
                for _ in 0..reader.array()? {
                    elements.push(crate::cbor::Cbor::read(reader)?);
                }
                Ok(elements)
            }
        }
    )* };
}

pub(crate) use {cbor_array, cbor_map, cbor_number};

impl Cbor for u64 {
    fn write(&self, out: &mut Writer) {
        out.unsigned(*self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.unsigned()
    }
}

impl Cbor for u32 {
    fn write(&self, out: &mut Writer) {
        out.unsigned(u64::from(*self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.unsigned()?.try_into().map_err(|_| Error::Malformed)
    }
}

impl Cbor for bool {
    fn write(&self, out: &mut Writer) {
        out.head(major::SIMPLE, 20 + u64::from(*self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        match reader.head(major::SIMPLE)? {
            20 => Ok(false),
            21 => Ok(true),
            _ => Err(Error::Malformed),
        }
    }
}

impl Cbor for String {
    fn write(&self, out: &mut Writer) {
        out.text(self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.text().map(str::to_owned)
    }
}

impl Cbor for Vec<u8> {
    fn write(&self, out: &mut Writer) {
        out.bytes(self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.bytes().map(<[u8]>::to_vec)
    }
}

impl<const N: usize> Cbor for [u8; N] {
    fn write(&self, out: &mut Writer) {
        out.bytes(self);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        reader.bytes()?.try_into().map_err(|_| Error::Malformed)
    }
}

impl Cbor for Kid {
    fn write(&self, out: &mut Writer) {
        out.bytes(self.as_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Cbor::read(reader).map(Kid)
    }
}

cbor_array!(Kid);

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8949 appendix A.
    #[test]
    fn integers_are_shortest() {
        for (value, hex) in [
            (0u64, "00"),
            (23, "17"),
            (24, "1818"),
            (100, "1864"),
            (1000, "1903e8"),
            (1_000_000, "1a000f4240"),
            (1_000_000_000_000, "1b000000e8d4a51000"),
            (u64::MAX, "1bffffffffffffffff"),
        ] {
            assert_eq!(hex::encode(encode(&value)), hex);
            assert_eq!(decode::<u64>(&hex::decode(hex).unwrap()), Ok(value));
        }
        for long in [
            "1817",
            "190018",
            "1900ff",
            "1a0000ffff",
            "1b00000000ffffffff",
            "1c",
            "1f",
            "20",
            "",
            "18",
            "0000",
        ] {
            assert_eq!(decode::<u64>(&hex::decode(long).unwrap()), Err(Error::Malformed), "{long}");
        }
    }

    #[test]
    fn strings_and_booleans() {
        assert_eq!(encode(&"IETF".to_owned()), b"\x64IETF");
        assert_eq!(decode::<String>(b"\x62\xc3\xbc").unwrap(), "\u{fc}");
        assert_eq!(encode(&vec![1u8, 2, 3, 4]), b"\x44\x01\x02\x03\x04");
        assert_eq!((encode(&false), encode(&true)), (vec![0xf4], vec![0xf5]));
        for bad in
            [b"\x61\xff".as_slice(), b"\x7f\x61a\xff", b"\x62a", b"\x7b\xff\xff\xff\xff\xff\xff\xff\xff"]
        {
            assert_eq!(decode::<String>(bad), Err(Error::Malformed));
        }
        assert_eq!(decode::<bool>(&[0xf6]), Err(Error::Malformed));
        assert_eq!(decode::<bool>(&[0xf8, 21]), Err(Error::Malformed));
    }
}
