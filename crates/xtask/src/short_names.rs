//! Short names for a module's imports. wasm-bindgen gives each function that it imports from its JavaScript a
//! name with a hash of 16 digits, which no compressor can make smaller: a kilobyte of the DRM module. Names
//! need only be the same on both sides.

use std::ops::Range;

/// A module or its JavaScript that is not as wasm-bindgen writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the generated module is not as expected: {0}")]
pub(crate) struct Unexpected(&'static str);

/// Renames the imports in both; a name that the JavaScript does not have just once stays.
///
/// # Errors
/// [`Unexpected`] for a module whose sections cannot be read.
pub(crate) fn shorten(wasm: &[u8], js: &str) -> Result<(Vec<u8>, String), Unexpected> {
    let Some(section) = import_section(wasm)? else { return Ok((wasm.to_vec(), js.to_owned())) };
    let mut reader = Reader { octets: &wasm[section.body.clone()], at: 0 };
    let (mut body, mut js) = (Vec::new(), js.to_owned());
    let count = reader.number()?;
    write_number(&mut body, count);
    for index in 0..count {
        let module = reader.text()?;
        let name = reader.text()?;
        let kind = reader.kind()?;
        write_text(&mut body, module);
        let short = format!("_{index}");
        // As a key of an object: nothing else is called so.
        let (key, new_key) = (format!("{name}:"), format!("{short}:"));
        if is_hashed(name) && js.matches(name).count() == 1 && js.contains(&key) && !js.contains(&new_key) {
            js = js.replacen(&key, &new_key, 1);
            write_text(&mut body, &short);
        } else {
            write_text(&mut body, name);
        }
        body.extend_from_slice(kind);
    }
    if reader.at != reader.octets.len() {
        return Err(Unexpected("octets after the imports"));
    }
    let mut out = wasm[..section.start].to_vec();
    out.push(IMPORTS);
    write_number(&mut out, u32::try_from(body.len()).map_err(|_| Unexpected("too many imports"))?);
    out.extend_from_slice(&body);
    out.extend_from_slice(&wasm[section.body.end..]);
    Ok((out, js))
}

/// `__wbg_…_` and 16 hexadecimal digits.
fn is_hashed(name: &str) -> bool {
    let hash = name.strip_prefix("__wbg_").and_then(|rest| rest.rsplit_once('_')).map(|(_, hash)| hash);
    hash.is_some_and(|hash| hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Id of the import section (WebAssembly Core Specification, 5.5.5).
const IMPORTS: u8 = 2;

struct Section {
    start: usize,
    body: Range<usize>,
}

fn import_section(wasm: &[u8]) -> Result<Option<Section>, Unexpected> {
    if !wasm.starts_with(b"\0asm\x01\0\0\0") {
        return Err(Unexpected("no module"));
    }
    let mut reader = Reader { octets: wasm, at: 8 };
    while reader.at < wasm.len() {
        let start = reader.at;
        let id = reader.octet()?;
        let length = reader.number()? as usize;
        let from = reader.at;
        reader.skip(length)?;
        if id == IMPORTS {
            return Ok(Some(Section { start, body: from..reader.at }));
        }
    }
    Ok(None)
}

struct Reader<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn skip(&mut self, count: usize) -> Result<&'a [u8], Unexpected> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.octets.len());
        let end = end.ok_or(Unexpected("it ends too early"))?;
        let skipped = &self.octets[self.at..end];
        self.at = end;
        Ok(skipped)
    }

    fn octet(&mut self) -> Result<u8, Unexpected> {
        self.skip(1).map(|octets| octets[0])
    }

    /// LEB128.
    fn number(&mut self) -> Result<u32, Unexpected> {
        let mut number = 0;
        for shift in (0..35).step_by(7) {
            let octet = self.octet()?;
            number |= u64::from(octet & 0x7F) << shift;
            if octet & 0x80 == 0 {
                return u32::try_from(number).map_err(|_| Unexpected("a number that is too large"));
            }
        }
        Err(Unexpected("a number that is too long"))
    }

    fn text(&mut self) -> Result<&'a str, Unexpected> {
        let length = self.number()? as usize;
        std::str::from_utf8(self.skip(length)?).map_err(|_| Unexpected("a name that is no text"))
    }

    /// An import's kind and type, as they are.
    fn kind(&mut self) -> Result<&'a [u8], Unexpected> {
        let start = self.at;
        match self.octet()? {
            // A function's type.
            0 => _ = self.number()?,
            // A table's element type, then limits; a memory's limits.
            kind @ (1 | 2) => {
                if kind == 1 {
                    self.octet()?;
                }
                let limits = self.octet()?;
                self.number()?;
                if limits & 1 != 0 {
                    self.number()?;
                }
            }
            // A global's type and whether it may change.
            3 => _ = self.skip(2)?,
            // A tag's attribute and type.
            4 => {
                self.octet()?;
                self.number()?;
            }
            _ => return Err(Unexpected("an import of an unknown kind")),
        }
        Ok(&self.octets[start..self.at])
    }
}

fn write_number(out: &mut Vec<u8>, mut number: u32) {
    loop {
        let octet = (number & 0x7F) as u8;
        number >>= 7;
        if number == 0 {
            return out.push(octet);
        }
        out.push(octet | 0x80);
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    // Names come from sections, whose lengths are u32.
    write_number(out, text.len() as u32);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that imports functions of these names, and has one more section.
    fn module(names: &[&str]) -> Vec<u8> {
        let mut body = vec![names.len() as u8];
        for name in names {
            write_text(&mut body, "./m_bg.js");
            write_text(&mut body, name);
            body.extend([0, 0]);
        }
        let mut wasm = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x02".to_vec();
        write_number(&mut wasm, body.len() as u32);
        wasm.extend(body);
        wasm.extend([0, 2, 1, b'x']);
        wasm
    }

    #[test]
    fn hashed_names_are_shortened_on_both_sides_and_others_stay() {
        let names = ["__wbg_get_2080c49015e35254", "__wbindgen_init", "__wbg_set_2793479888329cb6"];
        let js =
            "x = { __wbg_get_2080c49015e35254: function(a) { }, __wbindgen_init: function() { wasm.y(); },
            __wbg_set_2793479888329cb6: function() {}, };";
        let (wasm, short) = shorten(&module(&names), js).unwrap();
        assert_eq!(wasm, module(&["_0", "__wbindgen_init", "_2"]));
        assert_eq!(
            short,
            "x = { _0: function(a) { }, __wbindgen_init: function() { wasm.y(); },
            _2: function() {}, };"
        );
        // Used elsewhere, too: left alone.
        let twice = format!("{js} f(__wbg_get_2080c49015e35254)");
        assert_eq!(shorten(&module(&names), &twice).unwrap().0, module(&[names[0], names[1], "_2"]));
        assert_eq!(shorten(&module(&[]), "").unwrap().0, module(&[]));
    }

    #[test]
    fn what_is_no_module_is_an_error() {
        let whole = module(&["__wbg_get_2080c49015e35254"]);
        assert!(shorten(b"\0asm", "").is_err());
        for length in 15..whole.len() - 4 {
            assert!(shorten(&whole[..length], "").is_err(), "{length}");
        }
    }
}
