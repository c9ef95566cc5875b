// Init segments: whether one is Matinee's, and what an element says when it comes to one.

import { contains, kind, word } from "./octets.js";

// The system id of Matinee's pssh boxes.
const SYSTEM = [0x6d, 0x61, 0x74, 0x69, 0x6e, 0x65, 0x65, 0x80, 0x80, 0, 0x64, 0x72, 0x6d, 0, 0, 1];
const SINF = [0x73, 0x69, 0x6e, 0x66];

// The film that a pssh box of ours names by its content id, `movie/N`: CBOR, a map whose first member is the text.
export function movieOf(octets) {
  for (let at = 0; at + 32 <= octets.length;) {
    const length = word(octets, at);
    if (length < 32 || at + length > octets.length) {
      break;
    }
    if (kind(octets, at) === "pssh" && contains(octets.subarray(at + 12, at + 28), SYSTEM)) {
      const data = at + 32 + (octets[at + 8] ? 4 + 16 * word(octets, at + 28) : 0);
      const text = data + (octets[data + 2] === 0x78 ? 4 : 3);
      const end = text + (octets[text - 1] & (text - data === 4 ? 0xff : 0x1f));
      const id = String.fromCharCode(...octets.subarray(text, Math.min(end, at + length)));
      const found = octets[data + 1] === 1 && /^movie\/(\d+)$/.exec(id);
      if (found) {
        return found[1];
      }
    }
    at += length;
  }
}

export const isInit = (type) => type === "ftyp" || type === "moov";

// The `moov` of an init segment that begins here; null, as long as it has not come whole; false, where there is none.
export function moovOf(octets) {
  for (let at = 0; at + 8 <= octets.length;) {
    const length = word(octets, at);
    if (kind(octets, at) === "moov" && length >= 8) {
      return at + length > octets.length ? null : octets.subarray(at, at + length);
    }
    if (length < 8 || /^mo|^mdat/.test(kind(octets, at))) {
      return false;
    }
    at += length;
  }
  return null;
}

// Whether a `moov` has a pssh box of Matinee's; for an element with Matinee's keys anything that is protected will do.
export const isOurMoov = (moov, hasKeys) => contains(moov, SYSTEM) || (hasKeys && contains(moov, SINF));

// The event `encrypted`: by the pssh boxes, or by the names of the keys where there are none.
export function encrypted(kids, initData) {
  const named = () => {
    const names = kids.map((kid) => btoa(kid.match(/../g).map((two) => String.fromCharCode(parseInt(two, 16))).join(""))
      .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""));
    return new TextEncoder().encode(JSON.stringify({ kids: names })).buffer;
  };
  const data = initData.byteLength ? { initDataType: "cenc", initData } : { initDataType: "keyids", initData: named() };
  return globalThis.MediaEncryptedEvent ? new MediaEncryptedEvent("encrypted", data)
    : Object.assign(new Event("encrypted"), data);
}
