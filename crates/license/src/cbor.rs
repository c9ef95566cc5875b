//! Deterministic CBOR (RFC 8949 §4.2.1): decode, encode again, compare.

use cenc::Kid;
use minicbor::{Decode, Encode};

use crate::{Error, MAX_OBJECT};

/// Encodes; every type of this crate encodes deterministically (definite lengths, shortest integers, ascending labels).
pub(crate) fn encode<T: Encode<()>>(value: &T) -> Vec<u8> {
    // Writing to a `Vec` cannot fail.
    minicbor::to_vec(value).unwrap_or_default()
}

/// Decodes octets that must be exactly what [`encode`] gives for the value.
pub(crate) fn decode<'b, T: Decode<'b, ()> + Encode<()>>(octets: &'b [u8]) -> Result<T, Error> {
    if octets.len() > MAX_OBJECT {
        return Err(Error::Malformed);
    }
    let value = minicbor::decode(octets).map_err(|_| Error::Malformed)?;
    if encode(&value) == octets { Ok(value) } else { Err(Error::Malformed) }
}

/// A KID as a byte string.
pub(crate) mod kid {
    use super::Kid;
    use minicbor::decode::{Decoder, Error as DecodeError};
    use minicbor::encode::{Encoder, Error as EncodeError, Write};

    pub(crate) fn encode<C, W: Write>(
        kid: &Kid,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        minicbor::bytes::encode(kid.as_bytes(), e, ctx)
    }

    pub(crate) fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Kid, DecodeError> {
        minicbor::bytes::decode(d, ctx).map(Kid)
    }
}

/// KIDs as an array of byte strings.
pub(crate) mod kids {
    use super::Kid;
    use minicbor::decode::{Decoder, Error as DecodeError};
    use minicbor::encode::{Encoder, Error as EncodeError, Write};

    pub(crate) fn encode<C, W: Write>(
        kids: &[Kid],
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.array(kids.len() as u64)?;
        kids.iter().try_for_each(|kid| super::kid::encode(kid, e, ctx))
    }

    pub(crate) fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Vec<Kid>, DecodeError> {
        let count = d.array()?.ok_or_else(|| DecodeError::message("indefinite"))?;
        // Grows with what is there, not with what is claimed.
        (0..count).map(|_| super::kid::decode(d, ctx)).collect::<Result<Vec<_>, _>>()
    }
}
