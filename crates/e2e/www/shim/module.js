// In place of Matinee's frame `/cdm`, for tests of the shim alone: the port's messages as docs/protocol.md §14 has
// them, answered by a module with ClearKey's licenses (JSON Web Keys), whose keys anybody may know.

const word = (octets, at) => new DataView(octets.buffer, octets.byteOffset).getUint32(at);
const short = (octets, at) => new DataView(octets.buffer, octets.byteOffset).getUint16(at);
const kind = (octets, at) => String.fromCharCode(...octets.subarray(at + 4, at + 8));
const rename = (octets, at, type) => [...type].forEach((letter, n) => { octets[at + 4 + n] = letter.charCodeAt(0); });
const hex = octets => Array.from(octets, octet => octet.toString(16).padStart(2, "0")).join("");
const base64url = octets => btoa(String.fromCharCode(...octets)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const fromBase64url = text => {
  if (!/^[\w-]*$/.test(text)) {
    throw refused("DRM_LICENSE_INVALID", "No base64url.");
  }
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), letter => letter.charCodeAt(0));
};
const refused = (code, message) => ({ code, message });

// ---- ISO BMFF ----

function* boxes(octets, from, to) {
  for (let at = from; at + 8 <= to;) {
    const end = at + word(octets, at);
    if (end < at + 8 || end > to) {
      throw refused("DRM_MEDIA", "A box is longer than what it is in.");
    }
    yield { at, end, type: kind(octets, at) };
    at = end;
  }
}

const CONTAINERS = { moov: 8, trak: 8, mdia: 8, minf: 8, stbl: 8, stsd: 16, encv: 86, enca: 36, sinf: 8, schi: 8, moof: 8, traf: 8 };

// Every box within, containers first.
function* tree(octets, from, to) {
  for (const box of boxes(octets, from, to)) {
    yield box;
    const inner = CONTAINERS[box.type];
    if (inner) {
      yield* tree(octets, box.at + inner, box.end);
    }
  }
}

// `tenc` and entries of `seig` have the same form, from their second octet on.
const protection = (octets, at) => {
  const [, , isProtected, size] = octets.subarray(at, at + 4);
  const kid = hex(octets.subarray(at + 4, at + 20));
  const constant = isProtected && !size ? octets.slice(at + 21, at + 21 + octets[at + 20]) : null;
  return { isProtected: Boolean(isProtected), size, kid, constant, pattern: [octets[at + 1] >> 4, octets[at + 1] & 15] };
};

// An init segment, made clear in place; how its samples are protected, and its pssh boxes.
function clearInit(octets) {
  const pssh = [];
  let protects = null;
  let scheme = "cenc";
  for (const box of tree(octets, 0, octets.length)) {
    if (box.type === "pssh") {
      pssh.push(...octets.subarray(box.at, box.end));
      rename(octets, box.at, "free");
    } else if (box.type === "schm") {
      scheme = kind(octets, box.at + 8);
    } else if (box.type === "tenc") {
      protects = protection(octets, box.at + 12);
    }
  }
  for (const box of [...tree(octets, 0, octets.length)]) {
    if (box.type === "frma") {
      protects.format = kind(octets, box.at + 4);
    }
  }
  for (const box of [...tree(octets, 0, octets.length)]) {
    if (box.type === "encv" || box.type === "enca") {
      rename(octets, box.at, protects.format);
      for (const inner of boxes(octets, box.at + CONTAINERS[box.type], box.end)) {
        if (inner.type === "sinf") {
          rename(octets, inner.at, "free");
        }
      }
    }
  }
  return { protects: protects && { ...protects, scheme }, pssh: Uint8Array.from(pssh) };
}

// The samples of a fragment that are protected: where they are, by which key, with which initialization vector.
function samplesOf(octets, moof, defaults) {
  const found = {};
  const groups = [];
  for (const box of tree(octets, moof.at, moof.end)) {
    found[box.type] ??= box;
    if (box.type === "sgpd" && kind(octets, box.at + 8) === "seig") {
      let at = box.at + 24;
      for (let left = word(octets, box.at + 20); left; left -= 1) {
        groups.push(protection(octets, at));
        at += word(octets, box.at + 16);
      }
    }
  }
  if (!found.senc) {
    return [];
  }
  const { trun, tfhd, senc, sbgp } = found;
  const flags = word(octets, trun.at + 8) & 0xffffff;
  const base = word(octets, tfhd.at + 8) & 0xffffff;
  let at = tfhd.at + 16 + (base & 1 ? 8 : 0) + (base & 2 ? 4 : 0) + (base & 8 ? 4 : 0);
  const defaultSize = base & 16 ? word(octets, at) : 0;
  const count = word(octets, trun.at + 12);
  let offset = moof.at + (flags & 1 ? word(octets, trun.at + 16) : 0);
  at = trun.at + 16 + (flags & 1 ? 4 : 0) + (flags & 4 ? 4 : 0);
  const sizes = [];
  for (let n = 0; n < count; n += 1) {
    at += flags & 0x100 ? 4 : 0;
    sizes.push(flags & 0x200 ? word(octets, at) : defaultSize);
    at += (flags & 0x200 ? 4 : 0) + (flags & 0x400 ? 4 : 0) + (flags & 0x800 ? 4 : 0);
  }
  const protects = [];
  if (sbgp && kind(octets, sbgp.at + 8) === "seig") {
    for (let n = 0, entry = sbgp.at + 20; n < word(octets, sbgp.at + 16); n += 1, entry += 8) {
      const index = word(octets, entry + 4);
      const group = index ? groups[(index & 0xffff) - 1] : defaults;
      protects.push(...Array(word(octets, entry)).fill(group));
    }
  }
  at = senc.at + 16;
  const hasParts = word(octets, senc.at + 8) & 2;
  const samples = [];
  sizes.forEach((size, n) => {
    const how = protects[n] ?? defaults;
    const start = offset;
    offset += size;
    if (!how.isProtected) {
      return;
    }
    const vector = how.size ? octets.slice(at, at + how.size) : how.constant;
    at += how.size;
    const parts = [];
    if (hasParts) {
      const parted = short(octets, at);
      at += 2;
      for (let part = 0, from = start; part < parted; part += 1, at += 6) {
        from += short(octets, at);
        parts.push([from, word(octets, at + 2)]);
        from += word(octets, at + 2);
      }
    } else {
      parts.push([start, size]);
    }
    samples.push({ kid: how.kid, vector, parts });
  });
  return samples;
}

// ---- keys ----

const sessions = new Map(); // number → {keys: Map(kid → CryptoKey)}
window.sessions = sessions; // which cases may look at
const streams = new Map(); // number → {rest, protects, held, pending, turn}
let last = 0;
let port = null;

const keyOf = kid => [...sessions.values()].map(({ keys }) => keys.get(kid)).find(Boolean);
const KEPT = "kept licenses";
const kept = () => JSON.parse(localStorage.getItem(KEPT) ?? "{}");
const say = session => [...session.keys.keys()].map(kid => ({ kid, status: "usable" }));

async function take(session, license) {
  let keys;
  try {
    ({ keys } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(license)));
    if (license.byteLength > 65_536 || /[^\x20-\x7e\s]/.test(new TextDecoder().decode(license))) {
      throw new Error("It is too long, or not ASCII.");
    }
  } catch (thrown) {
    throw refused("DRM_LICENSE_INVALID", String(thrown.message));
  }
  for (const { kid, k } of keys ?? []) {
    if (k) {
      const key = await crypto.subtle.importKey("raw", fromBase64url(k), "AES-CTR", false, ["encrypt", "decrypt"]);
      session.keys.set(hex(fromBase64url(kid)), key);
    }
  }
  if (!session.keys.size) {
    throw refused("DRM_LICENSE_INVALID", "It has no keys.");
  }
  [...streams.values()].forEach(stream => stream.held?.());
  return { keys: say(session), expiration: null, renewAfter: null };
}

// The names of keys in pssh boxes of version 1.
function named(initData) {
  const kids = [];
  for (const { at, type } of boxes(initData, 0, initData.length)) {
    if (type === "pssh" && initData[at + 8] === 1) {
      for (let n = 0; n < word(initData, at + 28); n += 1) {
        kids.push(initData.slice(at + 32 + 16 * n, at + 48 + 16 * n));
      }
    }
  }
  return kids;
}

const streamOf = number => {
  if (!streams.has(number)) {
    streams.set(number, { rest: new Uint8Array(), protects: null, held: null, dropped: 0 });
  }
  return streams.get(number);
};

async function decrypted(number, stream, octets) {
  const { dropped } = stream;
  const whole = new Uint8Array(stream.rest.length + octets.length);
  whole.set(stream.rest);
  whole.set(octets, stream.rest.length);
  let done = 0;
  let moof = null;
  for (let at = 0; at + 8 <= whole.length;) {
    const end = at + word(whole, at);
    if (end < at + 8 || end > whole.length) {
      break;
    }
    const type = kind(whole, at);
    if (type === "moof") {
      moof = { at, end };
    } else if (type === "mdat" && moof && stream.protects) {
      for (const { kid, vector, parts } of samplesOf(whole, moof, stream.protects)) {
        while (!keyOf(kid)) {
          port.postMessage({ event: "waiting", stream: number, kids: [kid] });
          await new Promise(go => { stream.held = go; });
          if (stream.dropped !== dropped) {
            throw refused("ABORTED", "It was dropped.");
          }
        }
        const length = parts.reduce((sum, part) => sum + part[1], 0);
        const secret = new Uint8Array(length);
        let to = 0;
        for (const [from, size] of parts) {
          secret.set(whole.subarray(from, from + size), to);
          to += size;
        }
        const counter = new Uint8Array(16);
        counter.set(vector);
        const clear = new Uint8Array(await crypto.subtle.decrypt({ name: "AES-CTR", counter, length: 64 }, keyOf(kid), secret));
        to = 0;
        for (const [from, size] of parts) {
          whole.set(clear.subarray(to, to + size), from);
          to += size;
        }
      }
      for (const box of [...tree(whole, moof.at, moof.end)]) {
        if (["senc", "saiz", "saio", "sgpd", "sbgp"].includes(box.type)) {
          rename(whole, box.at, "free");
        }
      }
      moof = null;
      done = end;
    } else {
      done = end;
    }
    at = end;
  }
  stream.rest = whole.slice(done);
  return whole.slice(0, done);
}

const drop = stream => {
  stream.rest = new Uint8Array();
  stream.dropped += 1;
  stream.held?.();
};

const SERVED = {
  "create-session"() {
    sessions.set(last, { keys: new Map() });
    last += 1;
    return { session: last - 1 };
  },
  "generate-request"({ initData }) {
    const kids = named(new Uint8Array(initData)).map(base64url);
    const challenge = new TextEncoder().encode(JSON.stringify({ kids, type: "temporary" }));
    return { challenge: challenge.buffer, licenseUrl: "", ticket: "t" };
  },
  async update({ session, license }) {
    const of = sessions.get(session);
    const taken = await take(of, license);
    of.license = new TextDecoder().decode(license);
    localStorage.setItem(KEPT, JSON.stringify({ ...kept(), 1: of.license }));
    return taken;
  },
  async load({ session, movie }) {
    const license = kept()[movie];
    if (!license) {
      throw refused("DRM_STATE", "no license is kept");
    }
    return take(sessions.get(session), new TextEncoder().encode(license));
  },
  remove({ movie }) {
    localStorage.setItem(KEPT, JSON.stringify({ ...kept(), [movie]: undefined }));
    return {};
  },
  close({ session }) {
    sessions.delete(session);
    return {};
  },
  display: () => ({}),
  refused: () => ({}),
  "prepare-init"({ stream: number, bytes }) {
    const stream = streamOf(number);
    const octets = new Uint8Array(bytes);
    const { protects, pssh } = clearInit(octets);
    stream.protects = protects;
    // Media of which only the pssh box is ours stand for media whose key is there.
    const kids = protects ? [protects.kid] : named(pssh).map(hex);
    return { kids, initData: pssh.buffer, bytes: octets.buffer };
  },
  async decrypt({ stream: number, bytes }) {
    const stream = streamOf(number);
    return { bytes: (await decrypted(number, stream, new Uint8Array(bytes))).buffer };
  },
  drop({ stream }) {
    drop(streamOf(stream));
    return {};
  },
  "close-stream"({ stream }) {
    drop(streamOf(stream));
    streams.delete(stream);
    return {};
  },
};

async function serve(message) {
  try {
    const ok = await SERVED[message.type](message);
    port.postMessage({ id: message.id, ok }, Object.values(ok).filter(value => value instanceof ArrayBuffer));
  } catch (thrown) {
    port.postMessage({ id: message.id, error: thrown.code ? thrown : refused("DRM_STATE", String(thrown.message ?? thrown)) });
  }
}

addEventListener("message", ({ data, ports }) => {
  if (data?.matinee === 1 && !port) {
    [port] = ports;
    port.onmessage = event => serve(event.data);
  }
});
parent.postMessage({ matinee: 0 }, "*");
