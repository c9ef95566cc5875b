// One license, as a MediaKeySession.

import { said, state } from "./errors.js";
import { boxesOf } from "./init-data.js";
import { display } from "./link.js";
import { hex, octetsOf } from "./octets.js";
import { Statuses } from "./statuses.js";

// The least time until a license is renewed, in milliseconds; twice as long each time that one is due at once.
const SOONEST = 2000;
const LATEST = 64_000;
// A kept license's session is named for its film.
const KEPT = "matinee-";

export class Session extends EventTarget {
  sessionId = "";
  expiration = NaN;
  keyStatuses = new Statuses();
  #keys;
  #type;
  #number = null;
  #initData = new Uint8Array();
  #begun = false;
  #over = false;
  #link = null; // the one that it has begun with
  #challenge = null; // the last
  #movie = null; // what it is for, once that is known
  #wait = SOONEST;
  #timers = [];
  #close;

  constructor(keys, type) {
    super();
    this.#keys = keys;
    this.#type = type;
    this.closed = new Promise((done) => {
      this.#close = done;
    });
  }

  get #element() {
    return this.#keys.element?.deref();
  }

  #isNew() {
    if (this.#begun) {
      throw state("This session is in use.");
    }
  }

  #isOpen() {
    if (!this.#begun || this.#over) {
      throw state("This session has not begun, or it has ended.");
    }
  }

  #hasAsked() {
    this.#isOpen();
    if (this.#number === null) {
      throw state("This session has asked for no license.");
    }
  }

  // It may have been closed while something was waited for.
  #goesOn() {
    if (this.#over) {
      throw state("This session was closed.");
    }
  }

  async #open() {
    this.#begun = true;
    this.#link = this.#keys.of.link;
    this.#number = (await this.#link.ask("create-session")).session;
    if (this.#over) {
      await this.#link.ask("close", { session: this.#number }).catch(() => {});
    }
    this.#goesOn();
    this.#link.on("keys", this.#number, ({ keys }) => (keys ? this.#say(keys) : this.#fail()));
  }

  async #ask(messageType) {
    const made = await this.#keys.of.challenge(this.#link, this.#number, this.#initData, this.#element, this.#movie);
    this.#goesOn();
    this.#challenge = made.challenge;
    this.#movie = made.movie;
    return () => this.#message(messageType, this.#challenge);
  }

  async generateRequest(type, data) {
    const octets = octetsOf(data);
    this.#isNew();
    if (!octets.length || !type) {
      throw new TypeError("There is no initialization data.");
    }
    // Without a box of ours a license for the whole film is asked for.
    this.#initData = boxesOf(type, octets);
    await this.#open();
    const send = await this.#ask("license-request");
    this.sessionId = this.#type === "temporary" ? `${this.#number}-${Date.now().toString(36)}` : `${KEPT}${this.#movie}`;
    send();
  }

  #message(messageType, message) {
    this.#dispatch(globalThis.MediaKeyMessageEvent ? new MediaKeyMessageEvent("message", { messageType, message })
      : Object.assign(new Event("message"), { messageType, message }));
  }

  // The caller hears that what it has asked for is done before it hears what came of it.
  #dispatch(event) {
    setTimeout(() => this.dispatchEvent(event));
  }

  async load(id) {
    const movie = id.startsWith(KEPT) ? Number(id.slice(KEPT.length)) : NaN;
    if (this.#type !== "persistent-license" || !Number.isSafeInteger(movie)) {
      throw new TypeError("This session loads no license.");
    }
    this.#isNew();
    await this.#open();
    this.#movie = movie;
    const members = { session: this.#number, movie, display: display() };
    try {
      this.#take(await this.#keys.of.granted(this.#element, (grant) => this.#link.ask("load", { ...members, grant })));
    } catch (thrown) {
      if (!/no license is kept|LICENSE_EXPIRED|LICENSE_INVALID/.test(thrown.message)) {
        throw thrown;
      }
      return false;
    }
    this.#goesOn();
    this.sessionId = id;
    return true;
  }

  async update(response) {
    const octets = octetsOf(response);
    this.#hasAsked();
    if (!octets.length) {
      throw new TypeError("There is no license.");
    }
    // What the license server says when it refuses, handed on.
    const text = octets[0] === 0x7b ? new TextDecoder().decode(octets) : "";
    if (text.includes('"error"')) {
      const thrown = said(text);
      this.#keys.of.refused(this.#challenge, thrown);
      throw thrown;
    }
    const members = { session: this.#number, license: octets.buffer };
    this.#take(await this.#link.ask("update", members, [octets.buffer]).catch((thrown) => {
      throw thrown.name === "DRM_LICENSE_INVALID" ? new TypeError(thrown.message) : thrown;
    }));
  }

  #take({ keys, expiration, renewAfter, continuous }) {
    if (this.#over) {
      return;
    }
    this.#timers.forEach(clearTimeout);
    this.#timers = [];
    this.expiration = expiration === null || expiration === undefined ? NaN : expiration * 1000;
    this.#say(keys);
    // These times are of this clock: the worker knows how far it is from the server's.
    const at = (time, act, least = 0) => {
      const left = time * 1000 - Date.now();
      // Longer than a timer can be: the page will not be there any more.
      if (left < 2 ** 31) {
        this.#timers.push(setTimeout(act, Math.max(left, least)));
      }
    };
    if (renewAfter) {
      this.#wait = renewAfter * 1000 - Date.now() < SOONEST ? Math.min(2 * this.#wait, LATEST) : SOONEST;
      // One that cannot be made is none: the license that is there holds until its end.
      at(renewAfter, () => this.#ask("license-renewal").then((send) => send(), () => {}), this.#wait);
    }
    if (continuous && expiration) {
      at(expiration, () => this.#say(keys.map(({ kid }) => ({ kid, status: "expired" }))));
    }
  }

  #say(states) {
    this.keyStatuses.set(states);
    this.#dispatch(new Event("keystatuseschange"));
  }

  // Every key that is known is this now.
  #sayAll(status) {
    this.#say([...this.keyStatuses.entries()].map(([kid]) => ({ kid: hex(new Uint8Array(kid)), status })));
  }

  // The worker, or its frame, is gone.
  #fail() {
    this.#timers.forEach(clearTimeout);
    this.#sayAll("internal-error");
  }

  async close() {
    if (!this.#over) {
      this.#isOpen();
      await this.#end("closed-by-application");
    }
  }

  async #end(reason) {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#timers.forEach(clearTimeout);
    if (this.#number !== null) {
      this.#link.on("keys", this.#number, null);
      await this.#link.ask("close", { session: this.#number }).catch(() => {});
    }
    setTimeout(() => this.#close(reason));
    this.expiration = NaN;
    this.#say([]);
  }

  async remove() {
    this.#hasAsked();
    if (this.sessionId.startsWith(KEPT)) {
      await this.#link.ask("remove", { movie: Number(this.sessionId.slice(KEPT.length)) });
      // The server asks for no record of it, so there is nothing to wait for.
      setTimeout(() => this.#end("release-acknowledged"));
    }
    this.#timers.forEach(clearTimeout);
    await this.#link.ask("close", { session: this.#number }).catch(() => {});
    this.#sayAll("released");
  }
}

// `on…` properties, as the browser's objects have them.
function handlers(of, types) {
  for (const type of types) {
    const set = new WeakMap();
    Object.defineProperty(of.prototype, `on${type}`, {
      get() {
        return set.get(this) ?? null;
      },
      set(handler) {
        if (!set.has(this)) {
          this.addEventListener(type, (event) => set.get(this)?.call(this, event));
        }
        set.set(this, typeof handler === "function" ? handler : null);
      },
    });
  }
}

handlers(Session, ["message", "keystatuseschange"]);
