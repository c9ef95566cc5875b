use crate::{BoxRef, BoxWriter, Error, FourCc};

/// `pssh`: what a protection system needs to know (ISO/IEC 23001-7 §8.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pssh {
    /// Which system.
    pub system_id: [u8; 16],
    /// KIDs, in version 1; empty in version 0.
    pub kids: Vec<[u8; 16]>,
    /// The system's own data.
    pub data: Vec<u8>,
}

impl Pssh {
    /// Reads a `pssh` box, version 0 or 1.
    ///
    /// # Errors
    /// [`Error::Version`], [`Error::Truncated`].
    pub fn parse(pssh: &BoxRef<'_>) -> Result<Self, Error> {
        let (version, _, mut cursor) = pssh.full()?;
        if version > 1 {
            return Err(Error::Version { kind: FourCc(*b"pssh"), version });
        }
        let system_id = cursor.array()?;
        let mut kids = Vec::new();
        if version == 1 {
            let count = cursor.u32()?;
            kids = cursor.table(count, 16)?.as_chunks::<16>().0.to_vec();
        }
        let len = cursor.u32()?;
        let data = cursor.table(len, 1)?.to_vec();
        Ok(Self { system_id, kids, data })
    }

    /// Writes the box: version 1 if there are KIDs, else 0.
    pub fn write(&self, out: &mut BoxWriter) {
        out.full_box(b"pssh", u8::from(!self.kids.is_empty()), 0, |out| {
            out.bytes(&self.system_id);
            if !self.kids.is_empty() {
                out.u32(self.kids.len() as u32);
                self.kids.iter().for_each(|kid| out.bytes(kid));
            }
            out.u32(self.data.len() as u32);
            out.bytes(&self.data);
        });
    }
}
