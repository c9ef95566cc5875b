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

// The system id of boxes that name keys for whoever has them (https://www.w3.org/TR/eme-initdata-cenc/).
const COMMON = [0x10, 0x77, 0xef, 0xec, 0xc0, 0xb2, 0x4d, 0x02, 0xac, 0xe3, 0x3c, 0x1e, 0x52, 0xe2, 0xfb, 0x4b];
// The most that initialization data can be, in octets.
const MOST = 65_536;

// What a page says of its keys, as pssh boxes. Throws where it is not of the form that it is said to have.
export function boxesOf(type, octets) {
  if (type !== "cenc" && type !== "keyids") {
    throw new DOMException(`There is no initialization data of the type ${type}.`, "NotSupportedError");
  }
  try {
    if (octets.length > MOST) {
      throw new Error("it is too long");
    }
    if (type === "keyids") {
      return common(JSON.parse(new TextDecoder().decode(octets)).kids ?? []);
    }
    for (let at = 0; at < octets.length; at += word(octets, at)) {
      if (kind(octets, at) !== "pssh" || word(octets, at) < 32 || at + word(octets, at) > octets.length) {
        throw new Error("it is not made of pssh boxes");
      }
    }
    return octets;
  } catch (thrown) {
    throw new TypeError(`That is no initialization data of the type ${type}: ${thrown.message}.`);
  }
}

// A box of the common system for keys that are named in base64url.
function common(names) {
  const kids = names.map((name) => Array.from(atob(name.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0)));
  if (kids.some(({ length }) => length < 1 || length > 512)) {
    throw new Error("a key's name has no such length");
  }
  const ours = kids.filter(({ length }) => length === 16);
  const four = (number) => [number >>> 24, (number >> 16) & 255, (number >> 8) & 255, number & 255];
  const head = [36 + 16 * ours.length, 0x70737368, 0x01000000].flatMap(four);
  return Uint8Array.of(...head, ...COMMON, ...four(ours.length), ...ours.flat(), ...four(0));
}

export const isInit = (type) => type === "ftyp" || type === "moov";

// Each `moov` in bytes that begin with an init segment; null, as long as the first one, or one that has begun behind it,
// has not come whole.
export const moovsOf = function* (octets) {
  let seen = false;
  for (let at = 0; at + 8 <= octets.length; at += word(octets, at)) {
    const end = at + word(octets, at);
    const type = kind(octets, at);
    if (end < at + 8 || (!seen && /^moof|^mdat/.test(type))) {
      return;
    }
    if (isInit(type) && end > octets.length) {
      seen = false;
    } else if (type === "moov") {
      yield octets.subarray(at, end);
      seen = true;
    }
  }
  if (!seen) {
    yield null;
  }
};

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
