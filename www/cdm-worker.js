// The DRM module for pages that bring a player of their own: between the page's port and the module, in the module's
// worker. The port speaks what Encrypted Media Extensions need and nothing else: sessions and streams, bytes in and
// bytes out. Who this device is, and what is signed for it, is settled here; docs/protocol.md §14 has the messages.

const hook = self.postMessage.bind(self);
let module = null; // the module's handler of messages
let port = null;
let origin = ""; // of the page

// ---- the module ----

// The module and its loader believe that this is their page: what they post ends here, and what comes to the worker
// from outside does not reach them.
let up;
const ready = new Promise((done, failed) => { up = { done, failed }; });
ready.catch(() => {});
Object.defineProperty(self, "onmessage", { set: (handler) => { module = handler; } });
self.postMessage = heard;

self.addEventListener("message", (event) => {
  event.stopImmediatePropagation();
  if (!port && event.ports.length === 1) {
    origin = event.data.origin;
    port = event.ports[0];
    port.onmessage = ({ data }) => serve(data);
  }
});

const own = self.location.origin;

const waiting = new Map(); // numbers of requests to the module, and what hears their answers
let last = 0;

function heard(message) {
  if (message.event) {
    const { ready: is, failed, keys } = message.event;
    if (is) {
      up.done();
    } else if (failed) {
      up.failed({ error: failed.error });
      port?.postMessage({ event: "failed", error: problem({ error: failed.error }) });
    } else if (keys) {
      port?.postMessage({ event: "keys", ...keys });
    }
    return;
  }
  waiting.get(message.id)?.(message.reply, message.bytes);
}

async function ask(property, request, bytes) {
  await ready;
  return new Promise((done, failed) => {
    const id = last++;
    // The module may answer before it returns.
    waiting.set(id, (reply, answered) => {
      waiting.delete(id);
      if (!reply || "Err" in reply) {
        failed({ error: reply?.Err });
      } else {
        const ok = reply.Ok;
        done({ ...(typeof ok === "string" ? {} : Object.values(ok)[0]), bytes: answered });
      }
    });
    module({ data: { id, [property]: request, bytes } });
  });
}

// ---- the device ----

const now = () => Date.now() / 1000;
const plain = (text) => text.replace(/&(?:#(\d+)|#x([0-9a-f]+)|(\w+));/gi, (all, ten, hex, name) =>
  ten || hex ? String.fromCodePoint(ten ? Number(ten) : parseInt(hex, 16))
    : { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" }[name] ?? all);
// What is thrown: a code of docs/protocol.md §4 and words, or `error`, a `DrmError`.
const refused = (code, message) => ({ code, message });

let config = null;
let offset = 0; // the server's clock minus this one
let opened = null; // the account whose identity is open
const registered = new Map(); // by grant: {account, device, ticket, renewal, asked}
const MOST = 32; // of them
const asking = new Map(); // sessions' numbers, and the registrations by which they have asked last
// A challenge by this ticket that was answered by no license in so many seconds was refused.
const UNANSWERED = 20;
// Refusals after which another registration helps.
const DEAD = ["TICKET_EXPIRED", "NOT_AUTHENTIC", "SEQUENCE_OUT_OF_ORDER", "DEVICE_UNKNOWN", "CERTIFICATE_INVALID"];
let registering = Promise.resolve();

async function get(url, options) {
  try {
    return await fetch(url, options);
  } catch {
    throw { error: { network: { what: url, status: 0 } } };
  }
}

async function configuration() {
  if (!config) {
    const answer = await get("/decryptor-config.json", { cache: "no-cache" });
    const read = answer.ok ? await answer.json() : null;
    if (!read) {
      throw { error: { network: { what: "/decryptor-config.json", status: answer.status } } };
    }
    // A cached answer has an old time, so only the controller's word sets the clock right.
    config = read;
  }
  return config;
}

// The account: a grant names it; without one the viewer's session does, on the site's own pages only.
async function account(grant) {
  if (grant) {
    // Of this alphabet and no other: nothing else of the page's gets into an envelope that is signed.
    if (!/^[\w.-]{1,4096}$/.test(grant)) {
      throw refused("GRANT_INVALID", "This page's permission to play the title is not valid.");
    }
    return grant.split(".", 1)[0];
  }
  if (origin !== own) {
    throw refused("GRANT_INVALID", "This page has no grant: its backend asks POST /api/grants for one.");
  }
  const answer = await get("/api/library", { cache: "no-store" });
  if (!answer.ok) {
    throw refused("LOGIN_REQUIRED", "Please sign in.");
  }
  return (await answer.json()).account;
}

async function register(grant) {
  const { controller_url: url } = await configuration();
  const who = await account(grant);
  let identity;
  const open = async (request) => {
    identity = await ask("device", request);
    opened = who;
  };
  await open({ type: "open", account: who, release: "" });
  let tried = "";
  for (;;) {
    const certificate = btoa(String.fromCharCode(...identity.certificate));
    // The only message that is signed in this worker.
    const shown = grant ? [{ name: "grant", attributes: [["origin", origin]], text: grant }] : [];
    const messages = [{
      name: "register",
      children: [
        { name: "certificate", text: certificate },
        { name: "name", text: `Browser at ${new URL(origin).host}`.slice(0, 80) },
        { name: "machine", text: navigator.userAgent.slice(0, 400) },
        ...shown,
      ],
    }];
    const seal = { type: "seal", device: null, ticket: null, messages, clockOffset: offset };
    const { body, signature } = await ask("device", seal);
    const answer = await get(url, {
      method: "POST",
      body,
      headers: { "Content-Type": "application/xml", "X-NCCP-Signature": signature },
      credentials: grant ? "omit" : "same-origin",
    });
    const text = await answer.text();
    const time = Number(text.match(/\btime="(\d+)"/)?.[1]);
    if (time) {
      offset = time - now();
    }
    const element = (name) => text.match(new RegExp(`<(?:\\w+:)?${name}>([^<]*)<`))?.[1];
    const ticket = element("cticket");
    if (ticket) {
      if (registered.size >= MOST) {
        registered.clear();
      }
      const made = { account: who, ticket, device: element("deviceid"), renewal: Number(element("renewal")) - offset, asked: Infinity };
      registered.set(grant, made);
      return made;
    }
    const error = text.match(/<(?:\w+:)?error\b([^>]*)>([^<]*)/);
    const code = error?.[1].match(/\bcode="([^"]+)"/)?.[1];
    const remedy = { CLOCK_SKEW: "clock", SEQUENCE_OUT_OF_ORDER: "again", CERTIFICATE_INVALID: "individualize" }[code];
    if (!remedy || tried.includes(remedy)) {
      throw code ? refused(code, plain(error[2])) : { error: { network: { what: "/nccp/controller", status: answer.status } } };
    }
    tried += remedy;
    // The clock is set by what the answer said.
    if (remedy === "individualize") {
      await open({ type: "individualize" });
    }
  }
}

// The registration by this grant; one at a time. A ticket that is near its end is asked for anew. One whose challenge
// found no answer is, too; where the grant is over meanwhile and the page has no `other`, it is as good as it was.
function registration(grant, other) {
  const turn = registering.then(() => {
    const kept = registered.get(grant);
    const lasts = () => kept && registered.get(grant) === kept && kept.account === opened && now() < kept.renewal;
    if (!lasts()) {
      return register(grant);
    }
    return now() < kept.asked + UNANSWERED ? kept : register(grant).catch((thrown) => {
      if (thrown?.code === "GRANT_INVALID" && !other && lasts()) {
        return kept;
      }
      throw thrown;
    });
  });
  registering = turn.catch(() => {});
  return turn;
}

// ---- sessions ----

// Times of licenses are the server's; the page's timers go by this device's clock.
const local = (time) => (typeof time === "number" ? time - offset : null);
const licensed = ({ expiration, renewAfter, ...rest }) => ({ ...rest, expiration: local(expiration), renewAfter: local(renewAfter) });

// What the port's messages are allowed to be, member by member. What is not here does not exist.
const number = (value) => {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw refused("REQUEST_INVALID", "A message of the port has a number that is none.");
  }
  return value;
};
const display = (value) => (value === "single" || value === "extended" ? value : "unknown");
const octets = (value) => new Uint8Array(value instanceof ArrayBuffer ? value : 0);
const text = (value) => (typeof value === "string" && value ? value : null);

const SERVED = {
  // → {session}
  "create-session": () => ask("cdm", { type: "create-session" }),
  // session, movie, grant, other, initData, display → {challenge, licenseUrl, ticket}: what goes to `POST /license`, with the
  // ticket as `X-CTicket`.
  async "generate-request"(of) {
    const by = await registration(text(of.grant), of.other === true);
    const { device, ticket } = by;
    const { challenge, licenseUrl } = await ask("cdm", {
      type: "generate-request",
      session: number(of.session),
      streamId: number(of.movie),
      device,
      ticket,
      initData: octets(of.initData),
      display: display(of.display),
      clockOffset: offset,
    });
    asking.set(of.session, by);
    by.asked = Math.min(by.asked, now());
    return { challenge: challenge.buffer, licenseUrl, ticket };
  },
  // session, license → {keys, expiration, renewAfter, …}
  async update(of) {
    const taken = await ask("cdm", { type: "update", session: number(of.session), license: octets(of.license) });
    const by = asking.get(of.session);
    if (by) {
      by.asked = Infinity;
    }
    return licensed(taken);
  },
  // ticket, code: what the license server has said of a challenge with this ticket
  refused(of) {
    for (const [grant, { ticket }] of registered) {
      if (ticket === of.ticket && DEAD.includes(of.code)) {
        registered.delete(grant);
      }
    }
    return {};
  },
  // session, movie, grant, display → the same, of a license that was kept
  async load(of) {
    const { device } = await registration(text(of.grant));
    const load = { type: "load", session: number(of.session), streamId: number(of.movie), device, display: display(of.display) };
    return licensed(await ask("cdm", load));
  },
  // movie: forgets its kept license
  remove: (of) => ask("cdm", { type: "forget", streamId: number(of.movie) }),
  close(of) {
    asking.delete(of.session);
    return ask("cdm", { type: "close-session", session: number(of.session) });
  },
  display: (of) => ask("cdm", { type: "display", display: display(of.display) }),
  // stream, bytes → {kids, initData, bytes}
  async "prepare-init"(of) {
    const stream = streamOf(of.stream);
    begin(stream);
    const { kids, initData, bytes } = await ask("cdm", { type: "prepare-init", stream: stream.number }, of.bytes);
    return { kids, initData: initData.buffer, bytes };
  },
  // stream, bytes (any chunking) → {bytes}: the clear fragments that are complete by them. Waits for keys.
  async decrypt(of) {
    const stream = streamOf(of.stream);
    await ready;
    return new Promise((done, failed) => {
      stream.pending?.failed(refused("REQUEST_INVALID", "One thing at a time for a stream."));
      stream.pending = { done, failed, parts: [] };
      const push = { type: "push", stream: stream.number, whole: null, last: false };
      module({ data: { id: stream.segment, cdm: push, bytes: of.bytes } });
      settle(stream);
    });
  },
  drop(of) {
    begin(streamOf(of.stream), refused("ABORTED", "It was dropped."));
    return ask("cdm", { type: "drop", stream: number(of.stream) });
  },
  "close-stream"(of) {
    const stream = streamOf(of.stream);
    begin(stream, refused("ABORTED", "It was dropped."));
    waiting.delete(stream.segment);
    streams.delete(stream.number);
    return ask("cdm", { type: "close-stream", stream: stream.number });
  },
};

// ---- streams ----

// Bytes that come one after the other are one segment to the module, however long: it hands out fragments as they are
// complete, at once or when their key comes.
const streams = new Map();

function streamOf(value) {
  const of = number(value);
  if (!streams.has(of)) {
    const stream = { number: of, pending: null, held: false, segment: null };
    streams.set(of, stream);
    begin(stream);
  }
  return streams.get(of);
}

// Another segment begins; what is pending is answered.
function begin(stream, failure) {
  if (stream.segment !== null) {
    waiting.delete(stream.segment);
  }
  stream.held = false;
  const { pending } = stream;
  stream.pending = null;
  pending?.failed(failure ?? refused("ABORTED", "Another segment has begun."));
  const segment = last++;
  stream.segment = segment;
  waiting.set(segment, (reply, bytes) => {
    if (reply && "Err" in reply) {
      begin(stream, { error: reply.Err });
    } else if (bytes) {
      stream.held = false;
      stream.pending?.parts.push(bytes);
      // After a key has come; more fragments follow in the same turn.
      queueMicrotask(() => settle(stream));
    } else if (reply?.Ok?.["need-key"]) {
      stream.held = true;
      port.postMessage({ event: "waiting", stream: stream.number, kids: reply.Ok["need-key"].kids });
    }
  });
}

function settle(stream) {
  const { pending } = stream;
  if (!pending || stream.held) {
    return;
  }
  stream.pending = null;
  const { parts } = pending;
  if (parts.length === 1) {
    pending.done({ bytes: parts[0] });
    return;
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  pending.done({ bytes: whole.buffer });
}

// ---- the port ----

// What went wrong, as pages are told: `code` is of docs/protocol.md §4 or `DRM_…`.
function problem(thrown) {
  if (thrown?.code) {
    return thrown;
  }
  const error = thrown?.error ?? { state: { what: String(thrown?.message ?? thrown) } };
  const kind = typeof error === "string" ? error : Object.keys(error)[0];
  const detail = typeof error === "string" ? {} : error[kind];
  const code = kind === "policy-refused" ? "POLICY_REFUSED" : `DRM_${kind.toUpperCase().replaceAll("-", "_")}`;
  return { code, message: detail.what ?? detail.reason ?? kind, status: detail.status };
}

async function serve(message) {
  const id = message?.id;
  try {
    const act = Object.hasOwn(SERVED, message?.type) ? SERVED[message.type] : null;
    if (!act) {
      throw refused("REQUEST_INVALID", "The port has no such message.");
    }
    const answer = await act(message);
    const transfer = Object.values(answer).filter((value) => value instanceof ArrayBuffer);
    port.postMessage({ id, ok: answer }, transfer);
  } catch (thrown) {
    port.postMessage({ id, error: problem(thrown) });
  }
}

import("./decryptor-worker.js").catch((error) => hook({ failed: String(error) }));
