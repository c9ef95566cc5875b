// @matinee/eme: Encrypted Media Extensions on Matinee's DRM module, for players of others. A classic script, to be
// loaded before the player. docs/eme.md describes it.
//
// Keys stay in the module's worker, in a frame of the Matinee (`/cdm`). This script answers what players ask browsers
// about key systems, and stands between a SourceBuffer and its caller: what is appended goes through the worker.
// Whatever is not Matinee's (clear media, other key systems) goes to the browser as it came.
(() => {
  "use strict";

  const NAME = "org.matinee.drm";
  // The system id of Matinee's pssh boxes.
  const SYSTEM = [0x6d, 0x61, 0x74, 0x69, 0x6e, 0x65, 0x65, 0x80, 0x80, 0, 0x64, 0x72, 0x6d, 0, 0, 1];
  // So long the frame may be silent until it counts as refused, in milliseconds.
  const SILENCE = 10_000;
  // How long until bytes are tried again for which there was no room, in milliseconds.
  const RETRY = 500;
  // The least time until a license is renewed, in milliseconds; twice as long each time that one is due at once.
  const [SOONEST, LATEST] = [2000, 64_000];
  // So many challenges are remembered with their tickets.
  const CHALLENGES = 32;

  if (globalThis.Matinee?.eme) {
    return;
  }
  if (!globalThis.HTMLMediaElement) {
    // On a server there are no media: it can be imported there.
    const eme = () => {
      throw new Error("There is no browser here.");
    };
    globalThis.Matinee = Object.assign(globalThis.Matinee ?? {}, { eme });
    return;
  }
  const script = document.currentScript;
  let installed = null;

  // ---- errors ----

  // What goes wrong is a DOMException whose message is the JSON of Matinee's routes, and whose name is the code: some
  // players show the one, some the other.
  const failure = (error) => new DOMException(JSON.stringify({ error }), error.code === "ABORTED" ? "AbortError" : error.code);
  const said = (text, otherwise) => {
    try {
      const { error } = JSON.parse(text);
      return failure({ ...error, code: String(error.code) });
    } catch {
      return new DOMException(text || otherwise, "OperationError");
    }
  };
  const state = (what) => new DOMException(what, "InvalidStateError");

  // ---- the frame and its port ----

  class Link {
    #asked = new Map();
    #last = 0;
    #port;
    #heard = new Map();
    #failed = null;
    #frame = null;
    #lost;

    // `lost` is called once, when there is nothing more to be had of it.
    constructor(frame, lost) {
      this.#lost = lost;
      this.#port = this.#open(frame);
      this.#port.catch((thrown) => this.#give(JSON.parse(thrown.message).error));
      globalThis.screen?.addEventListener?.("change", this.#shown);
    }

    #shown = () => this.ask("display", { display: display() }).catch(() => {});

    #give(error) {
      if (this.#failed) {
        return;
      }
      this.#failed = error;
      this.#frame.remove();
      globalThis.screen?.removeEventListener?.("change", this.#shown);
      this.#lost();
      this.#asked.forEach(({ failed }) => failed(failure(error)));
      this.#asked.clear();
    }

    #open(url) {
      return new Promise((done, failed) => {
        const origin = new URL(url, location.href).origin;
        const frame = document.createElement("iframe");
        this.#frame = frame;
        let open = false;
        const fail = (code, message) => {
          if (!open) {
            removeEventListener("message", listen);
            failed(failure({ code, message }));
          }
        };
        const unreached = () => fail("DRM_NETWORK", `${origin} cannot be reached.`);
        // A page that is refused and one that could not be fetched look alike; whether the server is there does not.
        const probe = () => fetch(`${origin}/eme.js`, { mode: "no-cors", cache: "no-store", signal: AbortSignal.timeout?.(SILENCE) });
        const refuse = () => probe().then(
          () => fail("ORIGIN_REFUSED", `${origin} does not let pages of ${location.origin} use its DRM module.`), unreached);
        let silence = setTimeout(unreached, 3 * SILENCE);
        const listen = (event) => {
          if (event.source !== frame.contentWindow || event.origin !== origin) {
            return;
          }
          if (event.data?.matinee === -1) {
            this.#give({ code: "DRM_UNSUPPORTED", message: "The DRM module's worker did not start." });
          }
          if (event.data?.matinee !== 0 || open) {
            return;
          }
          open = true;
          clearTimeout(silence);
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = ({ data }) => this.#hear(data);
          frame.contentWindow.postMessage({ matinee: 1 }, origin, [port2]);
          done(port1);
        };
        addEventListener("message", listen);
        frame.addEventListener("load", () => {
          clearTimeout(silence);
          silence = open ? 0 : setTimeout(refuse, SILENCE);
        });
        frame.src = url;
        frame.title = "Matinee DRM";
        frame.style.display = "none";
        frame.setAttribute("aria-hidden", "true");
        document.documentElement.append(frame);
      });
    }

    #hear(data) {
      if (data.event) {
        this.#heard.get(`${data.event} ${data.session ?? data.stream}`)?.(data);
        if (data.event === "failed") {
          this.#give(data.error);
        }
        return;
      }
      const asked = this.#asked.get(data.id);
      this.#asked.delete(data.id);
      if (data.error) {
        asked?.failed(failure(data.error));
      } else {
        asked?.done(data.ok);
      }
    }

    async ask(type, members, transfer = []) {
      const port = await this.#port;
      if (this.#failed) {
        throw failure(this.#failed);
      }
      return new Promise((done, failed) => {
        const id = this.#last++;
        this.#asked.set(id, { done, failed });
        port.postMessage({ id, type, ...members }, transfer);
      });
    }

    // What comes of its own accord: "keys" of a session, "waiting" of a stream.
    on(event, number, listener) {
      if (listener) {
        this.#heard.set(`${event} ${number}`, listener);
      } else {
        this.#heard.delete(`${event} ${number}`);
      }
    }
  }

  // ---- what a page installs ----

  class Installed {
    // Film and grant of licenses, where a media element has no `data-matinee-movie` and `data-matinee-grant`.
    movie;
    grant;
    grantcallback;
    #ticket = null; // the last one
    #tickets = new Map(); // by challenge
    #link = null;

    constructor({ server, frame, ...members }) {
      this.server = new URL(server ?? frame ?? location.href, location.href).origin;
      this.frame = frame ?? `${this.server}/cdm`;
      this.names = [NAME];
      this.change(members);
    }

    // What is not given stays as it is.
    change({ movie, grant, grantcallback, impersonate }) {
      this.movie = movie ?? this.movie;
      this.grant = grant ?? this.grant;
      this.grantcallback = grantcallback ?? this.grantcallback;
      this.names = impersonate ? [NAME, ...impersonate] : this.names;
    }

    // One that has failed is followed by another, at the next question.
    get link() {
      this.#link ??= new Link(this.frame, () => {
        this.#link = null;
      });
      return this.#link;
    }

    // Where licenses are asked for.
    get licenseUrl() {
      return `${this.server}/license`;
    }

    // What has to go with the last challenge, once there is one (`message`).
    get headers() {
      return this.headersFor();
    }

    // What has to go with this challenge. Each grant has a ticket of its own.
    headersFor(challenge) {
      const ticket = this.#tickets.get(nameOf(challenge))?.ticket ?? this.#ticket;
      return { "Content-Type": "application/cose", ...(ticket ? { "X-CTicket": ticket } : {}) };
    }

    // Asks for a license, for players and pages without hooks of their own.
    async fetchLicense(challenge, init = {}) {
      const headers = { ...this.headersFor(challenge), ...init.headers };
      const answer = await fetch(this.licenseUrl, { ...init, method: "POST", body: challenge, headers });
      if (!answer.ok) {
        const thrown = said(await answer.text(), `The license server answered ${answer.status}.`);
        this.refused(challenge, thrown);
        throw thrown;
      }
      return answer.arrayBuffer();
    }

    // The worker is told: a ticket that is over has to be asked for anew.
    refused(challenge, { name }) {
      const { ticket, link } = this.#tickets.get(nameOf(challenge)) ?? {};
      link?.ask("refused", { ticket, code: name }).catch(() => {});
    }

    // Does what a grant is needed for; a second time by a new one, where the first is over and there is whom to ask.
    async granted(element, act) {
      try {
        return await act(element?.dataset?.matineeGrant ?? this.grant ?? (this.grant = await this.grantcallback?.()));
      } catch (thrown) {
        if (!this.grantcallback || !thrown.message.includes('"GRANT_INVALID"')) {
          throw thrown;
        }
        this.grant = await this.grantcallback();
        return act(this.grant);
      }
    }

    async challenge(link, session, initData, element) {
      const movie = Number(element?.dataset?.matineeMovie ?? this.movie);
      if (!Number.isSafeInteger(movie)) {
        throw failure({ code: "MOVIE_UNKNOWN", message: "Say which film it is: Matinee.eme({ movie }), or data-matinee-movie." });
      }
      const { challenge, ticket } = await this.granted(element, (grant) => {
        const copy = initData.slice().buffer;
        const members = { session, movie, grant, other: Boolean(this.grantcallback), initData: copy, display: display() };
        return link.ask("generate-request", members, [copy]);
      });
      this.#ticket = ticket;
      this.#tickets.set(nameOf(challenge), { ticket, link });
      if (this.#tickets.size > CHALLENGES) {
        this.#tickets.delete(this.#tickets.keys().next().value);
      }
      return challenge;
    }
  }

  // A challenge ends with its signature, which no other has.
  const nameOf = (challenge) => (challenge?.byteLength ? hex(octetsOf(challenge).slice(-32)) : "");

  const display = () => {
    const extended = globalThis.screen?.isExtended;
    return extended === undefined ? "unknown" : extended ? "extended" : "single";
  };

  function install(options = {}) {
    const { server, frame, ...members } = options;
    const other = server || frame || !installed ? new Installed(options) : installed;
    if (installed?.frame === other.frame && installed.server === other.server) {
      // What plays goes on.
      installed.change(members);
    } else {
      installed = other;
    }
    return installed;
  }

  // ---- key systems ----

  const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
  const octetsOf = (source) => (ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength).slice() : new Uint8Array(source).slice());
  const isOurs = (name) => Boolean(installed?.names.includes(name));

  // The first of these configurations that there is, as it is.
  function supported(configurations) {
    const one = (wanted) => {
      const types = (wanted.initDataTypes ?? []).filter((type) => type === "cenc" || type === "keyids");
      const sessions = wanted.sessionTypes ?? ["temporary"];
      const able = ({ contentType, encryptionScheme }) => (!encryptionScheme || /^cenc$|^cbcs$/.test(encryptionScheme))
        && /^(audio|video)\/mp4/.test(contentType) && MediaSource.isTypeSupported(contentType);
      const [audio, video] = [wanted.audioCapabilities ?? [], wanted.videoCapabilities ?? []];
      const [heard, seen] = [audio.filter(able), video.filter(able)];
      // The browser is a device, by keys of its own: whoever does not allow that is not served.
      const fits = (wanted.initDataTypes ?? []).length === 0 || types.length > 0;
      const good = fits && wanted.distinctiveIdentifier !== "not-allowed"
        && sessions.every((type) => type === "temporary" || type === "persistent-license")
        && (audio.length === 0 || heard.length > 0) && (video.length === 0 || seen.length > 0);
      return good ? {
        label: wanted.label ?? "",
        initDataTypes: types,
        audioCapabilities: heard,
        videoCapabilities: seen,
        distinctiveIdentifier: "required",
        persistentState: wanted.persistentState === "not-allowed" ? "not-allowed" : "required",
        sessionTypes: sessions,
      } : null;
    };
    for (const wanted of configurations) {
      const found = one(wanted);
      if (found) {
        return found;
      }
    }
    return null;
  }

  class Access {
    #configuration;

    constructor(keySystem, configuration) {
      this.keySystem = keySystem;
      this.#configuration = configuration;
    }

    getConfiguration() {
      return structuredClone(this.#configuration);
    }

    async createMediaKeys() {
      // The module loads meanwhile.
      void installed.link;
      return new Keys(installed, this.#configuration.sessionTypes);
    }
  }

  class Keys {
    element = null;
    #types;

    constructor(of, types) {
      this.of = of;
      this.#types = types;
    }

    createSession(type = "temporary") {
      if (!this.#types.includes(type)) {
        throw new DOMException(`There are no sessions of the type ${type}.`, "NotSupportedError");
      }
      return new Session(this, type);
    }

    async setServerCertificate() {
      return false;
    }

    async getStatusForPolicy() {
      return "usable";
    }
  }

  class Statuses {
    #all = new Map();

    set(states) {
      this.#all = new Map(states.map(({ kid, status }) => [kid, status]));
    }

    get size() {
      return this.#all.size;
    }

    has(kid) {
      return this.#all.has(hex(octetsOf(kid)));
    }

    get(kid) {
      return this.#all.get(hex(octetsOf(kid)));
    }

    *entries() {
      for (const [kid, status] of this.#all) {
        yield [Uint8Array.from(kid.match(/../g), (octet) => parseInt(octet, 16)).buffer, status];
      }
    }

    *keys() {
      for (const [kid] of this.entries()) {
        yield kid;
      }
    }

    values() {
      return this.#all.values();
    }

    [Symbol.iterator]() {
      return this.entries();
    }

    forEach(act, self) {
      for (const [kid, status] of this.entries()) {
        act.call(self, status, kid, this);
      }
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

  // A kept license's session is named for its film.
  const KEPT = "matinee-";

  class Session extends EventTarget {
    sessionId = "";
    expiration = NaN;
    keyStatuses = new Statuses();
    #keys;
    #type;
    #number = null;
    #initData = new Uint8Array();
    #begun = false;
    #link = null; // the one that it has begun with
    #challenge = null; // the last
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

    async #open() {
      if (this.#begun) {
        throw state("This session is in use.");
      }
      this.#begun = true;
      this.#link = this.#keys.of.link;
      this.#number = (await this.#link.ask("create-session")).session;
      this.#link.on("keys", this.#number, ({ keys }) => this.#say(keys));
    }

    async #ask(messageType) {
      this.#challenge = await this.#keys.of.challenge(this.#link, this.#number, this.#initData, this.#element);
      return () => this.#message(messageType, this.#challenge);
    }

    async generateRequest(type, data) {
      const octets = octetsOf(data);
      if (!octets.length || !type) {
        throw new TypeError("There is no initialization data.");
      }
      if (type !== "cenc" && type !== "keyids") {
        throw new DOMException(`There is no initialization data of the type ${type}.`, "NotSupportedError");
      }
      await this.#open();
      // Without a box of ours a license for the whole film is asked for.
      this.#initData = type === "cenc" ? octets : new Uint8Array();
      const send = await this.#ask("license-request");
      const movie = this.#element?.dataset?.matineeMovie ?? this.#keys.of.movie;
      this.sessionId = this.#type === "temporary" ? `${this.#number}-${Date.now().toString(36)}` : `${KEPT}${movie}`;
      send();
    }

    async #message(messageType, message) {
      // The caller knows that it has begun before it hears more.
      await null;
      const event = globalThis.MediaKeyMessageEvent ? new MediaKeyMessageEvent("message", { messageType, message })
        : Object.assign(new Event("message"), { messageType, message });
      this.dispatchEvent(event);
    }

    async load(id) {
      const movie = id.startsWith(KEPT) ? Number(id.slice(KEPT.length)) : NaN;
      if (this.#type !== "persistent-license" || !Number.isSafeInteger(movie)) {
        throw new TypeError("This session loads no license.");
      }
      await this.#open();
      const members = { session: this.#number, movie, display: display() };
      try {
        this.#take(await this.#keys.of.granted(this.#element, (grant) => this.#link.ask("load", { ...members, grant })));
      } catch (thrown) {
        if (!/no license is kept|LICENSE_EXPIRED|LICENSE_INVALID/.test(thrown.message)) {
          throw thrown;
        }
        return false;
      }
      this.sessionId = id;
      return true;
    }

    async update(response) {
      const octets = octetsOf(response);
      if (!octets.length) {
        throw new TypeError("There is no license.");
      }
      if (this.#number === null) {
        throw state("This session has asked for no license.");
      }
      // What the license server says when it refuses, handed on.
      if (octets[0] === 0x7b) {
        const thrown = said(new TextDecoder().decode(octets));
        this.#keys.of.refused(this.#challenge, thrown);
        throw thrown;
      }
      const members = { session: this.#number, license: octets.buffer };
      this.#take(await this.#link.ask("update", members, [octets.buffer]));
    }

    #take({ keys, expiration, renewAfter, continuous }) {
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
      this.dispatchEvent(new Event("keystatuseschange"));
    }

    async close() {
      if (!this.#begun) {
        throw state("This session has not begun.");
      }
      this.#timers.forEach(clearTimeout);
      if (this.#number !== null) {
        this.#link.on("keys", this.#number, null);
        await this.#link.ask("close", { session: this.#number }).catch(() => {});
      }
      this.#say([]);
      this.#close("closed-by-application");
    }

    async remove() {
      if (!this.#begun) {
        throw state("This session has not begun.");
      }
      if (this.sessionId.startsWith(KEPT)) {
        await this.#link.ask("remove", { movie: Number(this.sessionId.slice(KEPT.length)) });
      }
      this.#say([...this.keyStatuses.entries()].map(([kid]) => ({ kid: hex(new Uint8Array(kid)), status: "released" })));
    }
  }
  handlers(Session, ["message", "keystatuseschange"]);

  // ---- what the browser's objects say instead ----

  // Replaces a method; `act` gets what was there before.
  function method(of, name, act) {
    const before = of?.[name];
    if (typeof before === "function") {
      Object.defineProperty(of, name, {
        configurable: true, enumerable: true, writable: true,
        value(...all) {
          return act.call(this, (...them) => before.apply(this, them), ...all);
        },
      });
    }
    return before;
  }

  // Replaces a property's accessors; they get what was there before.
  function property(of, name, { get, set }) {
    const before = of && Object.getOwnPropertyDescriptor(of, name);
    if (before?.get) {
      Object.defineProperty(of, name, {
        ...before,
        get: get ? function () { return get.call(this, () => before.get.call(this)); } : before.get,
        set: before.set && (set ? function (value) { set.call(this, (it) => before.set.call(this, it), value); } : before.set),
      });
    }
    return before;
  }

  const find = async (before, name, configurations) => {
    if (!isOurs(name)) {
      return before(name, configurations);
    }
    const found = supported(Array.from(configurations));
    if (!found) {
      throw new DOMException(`${name} has no such configuration.`, "NotSupportedError");
    }
    return new Access(name, found);
  };
  if (navigator.requestMediaKeySystemAccess) {
    method(Navigator.prototype, "requestMediaKeySystemAccess", find);
  } else {
    // Pages without TLS have no such function.
    const none = async () => {
      throw new DOMException("There is no such key system.", "NotSupportedError");
    };
    Navigator.prototype.requestMediaKeySystemAccess = (name, configurations) => find(none, name, configurations);
  }

  method(globalThis.MediaCapabilities?.prototype, "decodingInfo", async (before, asked) => {
    const { keySystemConfiguration: of, ...plain } = asked ?? {};
    if (!of || !isOurs(of.keySystem)) {
      return before(asked);
    }
    const { supported: able, smooth, powerEfficient } = await before(plain);
    const capability = (kind) => (plain[kind] ? [{ robustness: "", ...of[kind], contentType: plain[kind].contentType }] : []);
    const found = able && supported([{
      initDataTypes: of.initDataType ? [of.initDataType] : [],
      audioCapabilities: capability("audio"),
      videoCapabilities: capability("video"),
      distinctiveIdentifier: of.distinctiveIdentifier ?? "optional",
      persistentState: of.persistentState ?? "optional",
      sessionTypes: of.sessionTypes ?? ["temporary"],
    }]);
    return found ? { supported: true, smooth, powerEfficient, keySystemAccess: new Access(of.keySystem, found) }
      : { supported: false, smooth: false, powerEfficient: false, keySystemAccess: null };
  });

  // ---- media elements ----

  const keysOf = new WeakMap(); // media element → Keys
  const elements = new WeakMap(); // MediaSource → WeakRef of its media element
  const urls = new Map(); // object URL → WeakRef of its MediaSource

  const Media = HTMLMediaElement.prototype;
  // Pages without TLS have none of it.
  Media.setMediaKeys ??= async () => {};
  if (!("mediaKeys" in Media)) {
    Object.defineProperty(Media, "mediaKeys", { configurable: true, enumerable: true, get: () => null });
  }
  method(Media, "setMediaKeys", async function (before, keys) {
    const old = keysOf.get(this);
    if (old && old !== keys) {
      old.element = null;
      keysOf.delete(this);
    }
    if (!(keys instanceof Keys)) {
      return before?.(keys);
    }
    if (keys.element?.deref() && keys.element.deref() !== this) {
      throw new DOMException("These keys are another element's.", "QuotaExceededError");
    }
    await before?.(null);
    keys.element = new WeakRef(this);
    keysOf.set(this, keys);
  });
  property(Media, "mediaKeys", {
    get(before) {
      return keysOf.get(this) ?? before();
    },
  });
  const hasOtherKeys = (element) => Boolean(element?.mediaKeys && !keysOf.has(element));

  if (!globalThis.MediaSource) {
    globalThis.Matinee = Object.assign(globalThis.Matinee ?? {}, { eme: install });
    return;
  }

  const attach = (element, source) => source instanceof MediaSource && elements.set(source, new WeakRef(element));
  method(URL, "createObjectURL", (before, of) => {
    const url = before(of);
    if (of instanceof MediaSource) {
      urls.set(url, new WeakRef(of));
      if (urls.size > 64) {
        urls.forEach((it, old) => it.deref() || urls.delete(old));
      }
    }
    return url;
  });
  property(Media, "src", {
    set(before, url) {
      before(url);
      attach(this, urls.get(String(url))?.deref());
    },
  });
  property(Media, "srcObject", {
    set(before, source) {
      before(source);
      attach(this, source);
    },
  });
  function elementOf(source) {
    const known = elements.get(source)?.deref();
    const uses = (element) => urls.get(element.currentSrc)?.deref() === source;
    return known ?? [...document.querySelectorAll("video, audio")].find(uses);
  }

  // ---- source buffers ----

  const Buffer = SourceBuffer.prototype;
  const Source = MediaSource.prototype;
  const gates = new WeakMap(); // SourceBuffer → Gate
  const accessor = (of, name) => Object.getOwnPropertyDescriptor(of, name);
  const real = {
    append: Buffer.appendBuffer,
    updating: accessor(Buffer, "updating").get,
    mode: accessor(Buffer, "mode"),
    end: Source.endOfStream,
  };
  let streams = 0;

  const word = (octets, at) => ((octets[at] << 24) | (octets[at + 1] << 16) | (octets[at + 2] << 8) | octets[at + 3]) >>> 0;
  const kind = (octets, at) => String.fromCharCode(...octets.subarray(at + 4, at + 8));
  const joined = (a, b) => {
    const both = new Uint8Array(a.length + b.length);
    both.set(a);
    both.set(b, a.length);
    return both;
  };
  function contains(octets, sought) {
    for (let at = octets.indexOf(sought[0]); at >= 0; at = octets.indexOf(sought[0], at + 1)) {
      if (sought.every((octet, n) => octets[at + n] === octet)) {
        return true;
      }
    }
    return false;
  }
  const SINF = [0x73, 0x69, 0x6e, 0x66];
  const isInit = (type) => type === "ftyp" || type === "moov";

  // One SourceBuffer: what its caller sees of an append, and what becomes of it.
  class Gate {
    busy = false; // as the caller sees `updating`
    #buffer;
    #source;
    #type;
    #stream = streams++;
    #ours = false; // its bytes go through the worker
    #link = null; // of these
    #fresh = true; // what comes next begins a segment
    #held = new Uint8Array(); // of an init segment that has not come whole: whose it is is not known yet
    #head = new Uint8Array(); // of a box that has not come whole: an init segment, or a header
    #left = 0; // octets of a box of media that are still to come
    #job = null;
    #inside = null; // who waits for the browser's own append
    #late = null; // clear, and there was no room
    #edge = 0; // the end of what was buffered then: what is late goes on there

    constructor(buffer, source, type) {
      this.#buffer = buffer;
      this.#source = source;
      this.#type = type;
      for (const name of ["updatestart", "update", "updateend", "error", "abort"]) {
        // Before all listeners of others.
        buffer.addEventListener(name, (event) => this.#hear(event), { capture: true });
      }
      source.addEventListener("sourceclose", this.close);
    }

    // What the browser says of an append that its caller knows nothing of.
    #hear(event) {
      if (!this.#inside || !event.isTrusted) {
        return;
      }
      event.stopImmediatePropagation();
      if (event.type === "error") {
        this.#inside.failed = true;
      } else if (event.type === "updateend") {
        const { done, failed } = this.#inside;
        this.#inside = null;
        done(!failed);
      }
    }

    get isUpdating() {
      return real.updating.call(this.#buffer);
    }

    // Whether there is something that the browser has not taken.
    get isLate() {
      return this.#late !== null;
    }

    changed(type) {
      this.#type = type;
      this.#leave();
      this.#fresh = true;
      this.#late = null;
    }

    #forget() {
      this.#head = new Uint8Array();
      this.#held = new Uint8Array();
      this.#left = 0;
    }

    // From here on bytes go to the browser as they come.
    #leave() {
      this.#forget();
      if (this.#ours) {
        this.#ours = false;
        this.#link.on("waiting", this.#stream, null);
        this.#link.ask("close-stream", { stream: this.#stream }).catch(() => {});
      }
    }

    // Whether these bytes begin an init segment of Matinee's; null, as long as it has not come whole.
    #begins(octets) {
      if (!installed || !/mp4/.test(this.#type)) {
        return false;
      }
      if (octets.length < 8) {
        return this.#fresh ? null : false;
      }
      if (!isInit(kind(octets, 0))) {
        return false;
      }
      const element = elementOf(this.#source);
      if (hasOtherKeys(element)) {
        return false;
      }
      for (let at = 0; at + 8 <= octets.length;) {
        const length = word(octets, at);
        if (kind(octets, at) === "moov" && length >= 8) {
          if (at + length > octets.length) {
            return null;
          }
          const box = octets.subarray(at, at + length);
          return contains(box, SYSTEM) || (keysOf.has(element) && contains(box, SINF));
        }
        if (length < 8 || /^mo|^mdat/.test(kind(octets, at))) {
          return false;
        }
        at += length;
      }
      return null;
    }

    append(data) {
      if (!ArrayBuffer.isView(data) && !(data instanceof ArrayBuffer)) {
        return real.append.call(this.#buffer, data);
      }
      let octets = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
      if (this.#ours) {
        const first = this.#may();
        this.#run(this.#begin(), octets.slice(), first);
        return;
      }
      const held = this.#held.length > 0;
      octets = held ? joined(this.#held, octets) : octets;
      const begins = this.#begins(octets);
      if (begins === false && !this.#late && !this.#inside) {
        if (this.busy) {
          throw state("The buffer is updating.");
        }
        real.append.call(this.#buffer, held ? octets : data);
        this.#held = new Uint8Array();
        this.#fresh = false;
        return;
      }
      const first = this.#may();
      this.#forget();
      octets = octets.slice();
      if (begins === null) {
        this.#held = octets;
        octets = new Uint8Array();
      } else {
        this.#fresh = false;
      }
      if (begins) {
        this.#ours = true;
        // Where the element's keys have their sessions, whatever has been installed since.
        this.#link = (keysOf.get(elementOf(this.#source))?.of ?? installed).link;
      }
      this.#run(this.#begin(), octets, first);
    }

    // Throws what the browser would throw of an append now; gives what has to be waited for before it.
    #may() {
      if (this.busy || this.isUpdating && !this.#inside) {
        throw state("The buffer is updating.");
      }
      if (![...this.#source.sourceBuffers].includes(this.#buffer) || elementOf(this.#source)?.error) {
        throw state("The buffer is of no use any more.");
      }
      if (this.#source.readyState === "ended") {
        // Opens it again, at once.
        real.mode.set.call(this.#buffer, real.mode.get.call(this.#buffer));
      }
      if (this.#late && !this.#inside) {
        // Throws while there is still no room: now the caller hears of it.
        const first = this.#put(this.#late);
        this.#late = null;
        return first;
      }
      return this.#inside?.settled;
    }

    // An operation begins, for the caller's eyes.
    #begin() {
      const job = {};
      this.#job = job;
      this.busy = true;
      queueMicrotask(() => this.#job === job && this.#say("updatestart"));
      return job;
    }

    #say(...types) {
      for (const type of types) {
        this.#buffer.dispatchEvent(new Event(type));
      }
    }

    // The browser appends; throws what it throws. Resolves to whether it took it.
    #put(octets) {
      real.append.call(this.#buffer, octets);
      const inside = { failed: false };
      inside.settled = new Promise((done) => {
        inside.done = done;
      });
      this.#inside = inside;
      return inside.settled;
    }

    async #run(job, octets, first) {
      // An abort may come wherever this waits: what it has left behind is not touched then.
      const over = () => this.#job !== job;
      try {
        await first;
        // Nobody hears of the end of an append in the turn that has begun it.
        await (octets.length || new Promise((go) => setTimeout(go)));
        if (over()) {
          return;
        }
        for (const [type, piece] of this.#ours ? this.#pieces(octets) : [["clear", octets]]) {
          let clear = piece;
          if (this.#ours) {
            clear = await (type === "init" ? this.#prepare(job, piece) : this.#decrypt(piece));
            if (over()) {
              return;
            }
          }
          if (clear?.byteLength) {
            await this.#keep(clear);
            if (over()) {
              return;
            }
          }
        }
        // Behind an init segment that is clear there may be something that has not come whole.
        const rest = this.#head;
        if (!this.#ours && rest.length) {
          this.#forget();
          await this.#keep(rest);
        }
        if (!over()) {
          this.#end("update", "updateend");
        }
      } catch (thrown) {
        if (this.#job !== job) {
          return;
        }
        console.error("Matinee:", thrown.message);
        this.#forget();
        this.#end("error", "updateend");
        if (this.#source.readyState === "open") {
          try {
            real.end.call(this.#source, "decode");
          } catch {
            // Another buffer is updating: the player has its error.
          }
        }
      }
    }

    async #keep(clear) {
      let taken = true;
      try {
        if (this.#late) {
          throw new DOMException("", "QuotaExceededError");
        }
        taken = await this.#put(clear);
      } catch (thrown) {
        if (thrown.name !== "QuotaExceededError") {
          throw thrown;
        }
        // Its caller hears of it with the next append, as browsers say it: in place.
        if (this.#late) {
          this.#late = joined(new Uint8Array(this.#late), new Uint8Array(clear)).buffer;
        } else {
          const { buffered } = this.#buffer;
          this.#edge = buffered.length ? buffered.end(buffered.length - 1) : 0;
          this.#late = clear;
        }
      }
      if (!taken) {
        throw new Error("The browser could not take a decrypted segment.");
      }
    }

    #end(...types) {
      this.#job = null;
      this.busy = false;
      this.#say(...types);
    }

    // Init segments whole, media in what pieces there are, in order.
    *#pieces(octets) {
      let rest = this.#head.length ? joined(this.#head, octets) : octets;
      this.#head = new Uint8Array();
      let media = 0; // so many octets of `rest` are media
      let init = 0; // and behind them so many of an init segment
      const flush = function* () {
        if (media) {
          yield ["media", rest.slice(0, media)];
        }
        rest = rest.subarray(media);
        media = 0;
      };
      const step = Math.min(this.#left, rest.length);
      this.#left -= step;
      media = step;
      for (;;) {
        const at = media + init;
        const there = rest.length - at;
        if (there < 8 || (word(rest, at) === 1 && there < 16)) {
          break;
        }
        let length = word(rest, at);
        if (length === 1) {
          length = word(rest, at + 8) * 2 ** 32 + word(rest, at + 12);
        }
        length = length || Infinity;
        if (length < 8) {
          throw new Error("The segment is damaged.");
        }
        const type = kind(rest, at);
        if (!isInit(type)) {
          const now = Math.min(length, there);
          media = at + now;
          init = 0;
          this.#left = length - now;
          if (this.#left) {
            break;
          }
          continue;
        }
        if (there < length) {
          break;
        }
        yield* flush();
        init += length;
        if (type === "moov") {
          yield ["init", rest.slice(0, init)];
          rest = rest.subarray(init);
          init = 0;
        }
      }
      yield* flush();
      this.#head = rest.slice();
    }

    async #prepare(job, octets) {
      const copy = octets.slice().buffer;
      const { kids, initData, bytes } = await this.#link.ask("prepare-init", { stream: this.#stream, bytes: copy }, [copy]);
      if (this.#job !== job) {
        return null;
      }
      if (kids.length === 0) {
        this.#leave();
        return octets;
      }
      this.#link.on("waiting", this.#stream, () => elementOf(this.#source)?.dispatchEvent(new Event("waitingforkey")));
      const element = elementOf(this.#source);
      const named = () => {
        const names = kids.map((kid) => btoa(kid.match(/../g).map((two) => String.fromCharCode(parseInt(two, 16))).join(""))
          .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""));
        return new TextEncoder().encode(JSON.stringify({ kids: names })).buffer;
      };
      const data = initData.byteLength ? { initDataType: "cenc", initData } : { initDataType: "keyids", initData: named() };
      const event = globalThis.MediaEncryptedEvent ? new MediaEncryptedEvent("encrypted", data)
        : Object.assign(new Event("encrypted"), data);
      setTimeout(() => element?.dispatchEvent(event));
      return bytes;
    }

    async #decrypt(octets) {
      const { bytes } = await this.#link.ask("decrypt", { stream: this.#stream, bytes: octets.buffer }, [octets.buffer]);
      return bytes;
    }

    abort(before) {
      before();
      this.#forget();
      this.#fresh = true;
      this.#late = null;
      if (this.#ours) {
        this.#link.ask("drop", { stream: this.#stream }).catch(() => {});
      }
      if (this.#job) {
        this.#job = null;
        this.busy = false;
        queueMicrotask(() => this.#say("abort", "updateend"));
      }
    }

    remove(before, from, to) {
      if (this.busy) {
        throw state("The buffer is updating.");
      }
      if (!this.#inside) {
        before(from, to);
        // What came late goes on where the buffer ended: what is removed elsewhere makes room for it.
        if (from <= this.#edge && to > this.#edge) {
          this.#late = null;
        }
        return;
      }
      // What came late is on its way into the buffer; the caller does not know.
      const job = this.#begin();
      this.#inside.settled.then(() => {
        if (this.#job === job) {
          this.#job = null;
          this.busy = false;
          before(from, to);
        }
      });
    }

    // Tries again, until the browser has taken it.
    async flush() {
      while (this.#late) {
        const late = this.#late;
        try {
          if (!this.isUpdating && !this.busy) {
            const put = this.#put(late);
            this.#late = null;
            await put;
            return;
          }
        } catch (thrown) {
          if (thrown.name !== "QuotaExceededError") {
            return;
          }
        }
        await new Promise((go) => setTimeout(go, RETRY));
      }
    }

    // The buffer is no part of its source any more.
    close = () => {
      this.#source.removeEventListener("sourceclose", this.close);
      this.#job = null;
      this.busy = false;
      this.#late = null;
      this.#leave();
    };
  }

  method(Source, "addSourceBuffer", function (before, type) {
    const buffer = before(type);
    gates.set(buffer, new Gate(buffer, this, String(type)));
    return buffer;
  });
  method(Source, "removeSourceBuffer", function (before, buffer) {
    before(buffer);
    gates.get(buffer)?.close();
  });
  const gatesOf = (source) => Array.from(source.sourceBuffers, (buffer) => gates.get(buffer)).filter(Boolean);
  const allIdle = (source) => {
    if (gatesOf(source).some((gate) => gate.busy)) {
      throw state("A buffer is updating.");
    }
  };
  method(Source, "endOfStream", function (before, ...reason) {
    allIdle(this);
    const late = gatesOf(this).filter((gate) => gate.isLate);
    if (late.length === 0) {
      before(...reason);
      return;
    }
    Promise.all(late.map((gate) => gate.flush())).then(() => this.readyState === "open" && before(...reason)).catch(() => {});
  });
  property(Source, "duration", {
    set(before, seconds) {
      allIdle(this);
      before(seconds);
    },
  });
  method(Buffer, "appendBuffer", function (before, data) {
    const gate = gates.get(this);
    return gate ? gate.append(data) : before(data);
  });
  method(Buffer, "abort", function (before) {
    const gate = gates.get(this);
    return gate ? gate.abort(before) : before();
  });
  method(Buffer, "remove", function (before, from, to) {
    const gate = gates.get(this);
    return gate ? gate.remove(before, from, to) : before(from, to);
  });
  method(Buffer, "changeType", function (before, type) {
    const gate = gates.get(this);
    if (gate?.busy) {
      throw state("The buffer is updating.");
    }
    before(type);
    gate?.changed(String(type));
  });
  property(Buffer, "updating", {
    get(before) {
      const gate = gates.get(this);
      return Boolean(gate?.busy) || before();
    },
  });
  for (const name of ["timestampOffset", "appendWindowStart", "appendWindowEnd", "mode"]) {
    property(Buffer, name, {
      set(before, value) {
        const gate = gates.get(this);
        if (gate?.busy) {
          throw state("The buffer is updating.");
        }
        if (gate?.isLate && this[name] !== value) {
          throw state("Bytes are waiting for room that were appended before.");
        }
        before(value);
      },
    });
  }

  globalThis.Matinee = Object.assign(globalThis.Matinee ?? {}, { eme: install });
  const { server, frame, movie, grant, impersonate } = script?.dataset ?? {};
  if (server || frame) {
    install({ server, frame, movie, grant, impersonate: impersonate?.split(" ") });
  }
})();
