// Octets: Uint8Arrays, and what is in them.

export const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

// A copy of what a BufferSource has, be it another window's.
export const octetsOf = (source) => {
  if (ArrayBuffer.isView(source)) {
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice();
  }
  if (Object.prototype.toString.call(source) !== "[object ArrayBuffer]") {
    throw new TypeError("That is no ArrayBuffer, and no view of one.");
  }
  return new Uint8Array(source).slice();
};

// Four octets as a number, big end first: a box's length.
export const word = (octets, at) => ((octets[at] << 24) | (octets[at + 1] << 16) | (octets[at + 2] << 8) | octets[at + 3]) >>> 0;

// The type of the box that begins here.
export const kind = (octets, at) => String.fromCharCode(...octets.subarray(at + 4, at + 8));

export const joined = (a, b) => {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
};

export function contains(octets, sought) {
  for (let at = octets.indexOf(sought[0]); at >= 0; at = octets.indexOf(sought[0], at + 1)) {
    if (sought.every((octet, n) => octets[at + n] === octet)) {
      return true;
    }
  }
  return false;
}
