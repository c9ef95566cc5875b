// <matinee-player>: a film of a Matinee in a page of another site. The player runs in a frame of the Matinee; what
// the page says to it, and hears from it, passes one port. docs/embed.md describes it.

const VERSION = 1;
// How long a frame that has loaded may be silent until it counts as refused, in milliseconds.
const SILENCE = 10_000;
// What the element and its frame may do: the frame's own pages ask for no more.
const ALLOW = "autoplay; fullscreen; picture-in-picture; encrypted-media; screen-wake-lock; window-management; clipboard-write";
const STYLE = `
:host { display: block; position: relative; aspect-ratio: 16 / 9; overflow: hidden; background: #000; contain: layout paint; }
:host([hidden]) { display: none; }
iframe, img { position: absolute; inset: 0; width: 100%; height: 100%; border: 0; }
img { object-fit: cover; }
button { position: absolute; inset: 0; width: 100%; height: 100%; border: 0; padding: 0; background: none; cursor: pointer; }
button::before { content: ""; position: absolute; left: 50%; top: 50%; translate: -50% -50%; width: clamp(3rem, 12%, 6rem);
  aspect-ratio: 1; border-radius: 50%; background: var(--matinee-play-background, rgb(0 0 0 / 65%)); }
button::after { content: ""; position: absolute; left: 50%; top: 50%; translate: -40% -50%; width: clamp(1rem, 4%, 2rem);
  aspect-ratio: 1; background: var(--matinee-play-color, #fff); clip-path: polygon(0 0, 100% 50%, 0 100%); }
button:focus-visible { outline: 3px solid #ffd98f; outline-offset: -6px; }
[hidden] { display: none; }
`;

// Where this script came from is the Matinee, unless the attribute `server` says otherwise.
const HERE = (() => {
  try {
    const { protocol, origin } = new URL(import.meta.url);
    return protocol.startsWith("http") ? origin : null;
  } catch {
    return null;
  }
})();

const FRESH = Object.freeze({
  currentTime: 0, duration: NaN, paused: true, ended: false, seeking: false, muted: false, volume: 1, playbackRate: 1,
  readyState: 0, bufferedEnd: 0, videoWidth: 0, videoHeight: 0,
});

const SILENT = Object.freeze({ language: null, cues: Object.freeze([]) });

// On a server there are no elements: the class can be named there, and does nothing.
const Base = globalThis.HTMLElement ?? class {};

export class MatineePlayer extends Base {
  static observedAttributes = ["server", "movie", "movieid", "grant", "poster", "muted", "loop", "controls"];

  #frame = null;
  #port = null;
  #state = { ...FRESH };
  #wanted = {};
  #error = null;
  #quality = null;
  #live = null;
  #cues = SILENT;
  #poster;
  #button;
  #root;
  #seen = null;
  #silence = 0;
  #begun = false;
  #plays = [];
  #grantcallback = null;

  constructor() {
    super();
    this.#root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    this.#root.adoptedStyleSheets = [sheet];
    this.#poster = document.createElement("img");
    this.#poster.alt = "";
    this.#poster.part = "poster";
    this.#poster.hidden = true;
    this.#button = document.createElement("button");
    this.#button.type = "button";
    this.#button.part = "play";
    this.#button.setAttribute("aria-label", "Play");
    this.#button.addEventListener("click", () => this.play().catch(() => {}));
    this.#root.append(this.#poster, this.#button);
  }

  // ---- as part of the page ----

  connectedCallback() {
    // What was set before the element was defined went past the setters.
    for (const name of ["server", "movie", "grant", "grantcallback", "currentTime", "volume", "muted", "playbackRate"]) {
      if (Object.hasOwn(this, name)) {
        const value = this[name];
        delete this[name];
        this[name] = value;
      }
    }
    this.#show();
    if (this.autoplay) {
      this.#begin();
      this.#load();
    } else if (this.preload !== "none") {
      // Near what can be seen, and not before.
      this.#seen = new IntersectionObserver((entries) => {
        if (entries.some((entry) => entry.isIntersecting)) {
          this.#load();
        }
      }, { rootMargin: "300px" });
      this.#seen.observe(this);
    }
  }

  disconnectedCallback() {
    this.#unload(new DOMException("The player was removed.", "AbortError"));
  }

  attributeChangedCallback(name, before, now) {
    if (before === now) {
      return;
    }
    switch (name) {
      case "server":
      case "movie":
      case "movieid":
        if (this.isConnected && before !== null) {
          this.#unload(new DOMException("Another film was chosen.", "AbortError"));
          this.connectedCallback();
        }
        break;
      case "poster":
        this.#show();
        break;
      case "muted":
        this.muted = now !== null;
        break;
      case "loop":
        this.#order("loop", now !== null);
        break;
      case "controls":
        this.#order("controls", now !== null);
        this.#show();
        break;
    }
  }

  #show() {
    const { poster } = this;
    if (poster && this.#poster.getAttribute("src") !== poster) {
      this.#poster.src = poster;
    }
    this.#poster.hidden = !poster || this.#begun;
    this.#button.hidden = this.#begun || !this.controls || Boolean(this.#error);
  }

  // ---- the frame ----

  #load() {
    this.#seen?.disconnect();
    this.#seen = null;
    if (this.#frame || !this.isConnected) {
      return;
    }
    let url;
    try {
      url = new URL("/embed", this.server);
    } catch {
      return this.#fail("NO_SERVER", "fail", "The attribute server names no Matinee.");
    }
    if (!/^\d{1,16}$/.test(this.movie)) {
      return this.#fail("MOVIE_UNKNOWN", "fail", "The attribute movie names no film.");
    }
    url.searchParams.set("movie", this.movie);
    this.#error = null;
    const frame = document.createElement("iframe");
    frame.allow = ALLOW;
    frame.title = this.getAttribute("aria-label") || this.title || "Film";
    frame.referrerPolicy = "origin";
    frame.src = url.href;
    frame.addEventListener("load", () => {
      clearTimeout(this.#silence);
      if (this.#frame === frame && !frame.met) {
        const refused = () => this.#fail("ORIGIN_REFUSED", "fail",
          `${url.origin} does not let its player into a page of ${location.origin}: is that among its embedders?`);
        this.#silence = setTimeout(refused, SILENCE);
      }
    });
    this.#frame = frame;
    addEventListener("message", this.#hello);
    this.#root.prepend(frame);
  }

  #hello = async ({ source, origin, data }) => {
    const frame = this.#frame;
    if (!frame || source !== frame.contentWindow || typeof data?.matinee !== "number") {
      return;
    }
    const server = new URL(this.server).origin;
    if (origin !== server) {
      return;
    }
    frame.met = true;
    clearTimeout(this.#silence);
    if (data.matinee !== VERSION) {
      return;
    }
    removeEventListener("message", this.#hello);
    // An attribute goes before the callback: it was asked for with the page.
    const grant = this.grant || await this.#askForGrant();
    if (this.#frame !== frame) {
      return;
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = (event) => this.#hear(event.data);
    this.#port = port1;
    const options = {
      autoplay: this.autoplay || this.#plays.length > 0,
      muted: this.muted,
      loop: this.loop,
      controls: this.controls,
      start: this.start,
      language: this.getAttribute("language") ?? "",
    };
    frame.contentWindow.postMessage({ matinee: VERSION, grant: grant ?? "", options }, server, [port2]);
    this.#send();
  };

  async #askForGrant() {
    try {
      return await this.#grantcallback?.() ?? null;
    } catch (error) {
      console.error(error);
      return null;
    }
  }

  #unload(reason) {
    this.#seen?.disconnect();
    this.#seen = null;
    clearTimeout(this.#silence);
    removeEventListener("message", this.#hello);
    this.#port?.close();
    this.#port = null;
    this.#frame?.remove();
    this.#frame = null;
    this.#begun = false;
    this.#error = null;
    this.#quality = null;
    this.#live = null;
    this.#cues = SILENT;
    const { muted, volume, playbackRate } = this.#state;
    this.#state = { ...FRESH, muted, volume, playbackRate };
    this.#settle(reason);
    this.#show();
  }

  // ---- what the frame says ----

  async #hear({ is, state, detail }) {
    if (state) {
      Object.assign(this.#state, state);
    }
    switch (is) {
      case "grant": {
        const port = this.#port;
        // Asked again: the one in the attribute was refused, or is over.
        const value = await this.#askForGrant();
        port?.postMessage({ do: "grant", value });
        return;
      }
      case "error":
        return this.#fail(detail.code, detail.action, detail.message);
      case "blocked":
        this.#begin();
        this.#settle(new DOMException("The browser wants a click before it plays.", "NotAllowedError"));
        return;
      case "qualitychange":
        this.#quality = Object.freeze({ ...detail });
        break;
      case "cuechange":
        detail = this.#cues = Object.freeze({ language: detail.language, cues: Object.freeze([...detail.cues]) });
        break;
      case "livechange":
        // Nothing once what is left of an event plays as a film.
        this.#live = detail && Object.freeze({ ...detail });
        // The frame says when it begins.
        if (detail?.state === "waiting") {
          this.#begin();
        }
        break;
      case "playing":
        this.#settle();
        this.#begin();
        this.#send();
        break;
      case "loadedmetadata":
        this.#send();
        break;
    }
    this.#tell(is, detail);
  }

  #begin() {
    this.#begun = true;
    this.#error = null;
    this.#show();
  }

  #settle(reason) {
    for (const { resolve, reject } of this.#plays.splice(0)) {
      reason ? reject(reason) : resolve();
    }
  }

  #tell(type, detail) {
    const event = new CustomEvent(type, { detail: detail ?? null });
    if (type === "error") {
      Object.assign(event, detail);
    }
    this.dispatchEvent(event);
  }

  #fail(code, action, message) {
    this.#error = Object.freeze({ code, action, message });
    this.#state.paused = true;
    // The frame shows it, where there is one that can.
    if (!this.#port) {
      this.#frame?.remove();
      this.#frame = null;
    }
    this.#begun = Boolean(this.#port);
    this.#settle(new DOMException(`${code}: ${message}`, "OperationError"));
    this.#show();
    this.#tell("error", { code, action, message });
  }

  // ---- what is said to it ----

  #order(name, value) {
    this.#wanted[name] = value;
    this.#send();
  }

  // Before the film is there a position or a speed would be lost: it is said when it is.
  #send() {
    if (!this.#port) {
      return;
    }
    for (const [name, value] of Object.entries(this.#wanted)) {
      const early = name !== "play" && name !== "pause" && this.#state.readyState < 1;
      if (!early) {
        delete this.#wanted[name];
        this.#port.postMessage({ do: name, value });
      }
    }
  }

  /** Plays; rejects where the browser wants a click first, or the film cannot play. */
  play() {
    if (!this.isConnected) {
      return Promise.reject(new DOMException("The player is in no document.", "InvalidStateError"));
    }
    const playing = new Promise((resolve, reject) => this.#plays.push({ resolve, reject }));
    if (this.#error) {
      this.#restart();
    }
    if (!this.#state.paused && this.#state.readyState > 2) {
      this.#settle();
    }
    this.#begin();
    this.#load();
    delete this.#wanted.pause;
    this.#order("play", true);
    return playing;
  }

  // After an error everything begins anew, with another grant where there is a callback.
  #restart() {
    const plays = this.#plays.splice(0);
    this.#unload();
    this.#plays = plays;
  }

  pause() {
    delete this.#wanted.play;
    this.#settle(new DOMException("The player was paused.", "AbortError"));
    this.#order("pause", true);
  }

  /** Goes to what is live, in an event. */
  goLive() {
    this.#order("golive", true);
  }

  /** Loads anew: after an error, or with another grant. */
  load() {
    this.#unload(new DOMException("The player loads anew.", "AbortError"));
    if (this.isConnected) {
      this.connectedCallback();
    }
  }

  get currentTime() { return this.#state.currentTime; }
  set currentTime(seconds) {
    this.#state.currentTime = Number(seconds);
    this.#order("currentTime", this.#state.currentTime);
  }
  get volume() { return this.#state.volume; }
  set volume(volume) {
    if (!(volume >= 0 && volume <= 1)) {
      throw new DOMException("The volume is from 0 to 1.", "IndexSizeError");
    }
    this.#state.volume = Number(volume);
    this.#order("volume", this.#state.volume);
  }
  get muted() { return this.#state.muted; }
  set muted(muted) {
    this.#state.muted = Boolean(muted);
    this.#order("muted", this.#state.muted);
  }
  get playbackRate() { return this.#state.playbackRate; }
  set playbackRate(rate) {
    this.#state.playbackRate = Number(rate);
    this.#order("playbackRate", this.#state.playbackRate);
  }
  get duration() { return this.#state.duration; }
  get paused() { return this.#state.paused; }
  get ended() { return this.#state.ended; }
  get seeking() { return this.#state.seeking; }
  get readyState() { return this.#state.readyState; }
  get bufferedEnd() { return this.#state.bufferedEnd; }
  get videoWidth() { return this.#state.videoWidth; }
  get videoHeight() { return this.#state.videoHeight; }
  get error() { return this.#error; }
  get quality() { return this.#quality; }
  /** Of an event: where it stands, and what of it can be seen; `null` of a film. */
  get live() { return this.#live; }
  /** What the captions that are on say now: plain text of each cue, and their language. */
  get activeCues() { return this.#cues; }
  /** Shows at most so many lines; `null` leaves it to the player. */
  set maxHeight(height) { this.#order("height", height === null ? null : Number(height)); }

  /** Asked for a grant when there is none, or when the last one is over: `async () => string`. */
  get grantcallback() { return this.#grantcallback; }
  set grantcallback(callback) { this.#grantcallback = typeof callback === "function" ? callback : null; }

  // ---- attributes ----

  get server() { return this.getAttribute("server") || HERE || ""; }
  set server(server) { this.setAttribute("server", server); }
  get movie() { return this.getAttribute("movie") ?? this.getAttribute("movieid") ?? ""; }
  set movie(movie) { this.setAttribute("movie", movie); }
  get grant() { return this.getAttribute("grant") ?? ""; }
  set grant(grant) { this.setAttribute("grant", grant); }
  get poster() { return this.getAttribute("poster") ?? ""; }
  set poster(poster) { this.setAttribute("poster", poster); }
  get preload() { return this.getAttribute("preload") ?? "metadata"; }
  set preload(preload) { this.setAttribute("preload", preload); }
  get start() { return this.hasAttribute("start") ? Number(this.getAttribute("start")) : null; }
  set start(start) { this.setAttribute("start", start); }
  get autoplay() { return this.hasAttribute("autoplay"); }
  set autoplay(autoplay) { this.toggleAttribute("autoplay", Boolean(autoplay)); }
  get loop() { return this.hasAttribute("loop"); }
  set loop(loop) { this.toggleAttribute("loop", Boolean(loop)); }
  get controls() { return this.hasAttribute("controls"); }
  set controls(controls) { this.toggleAttribute("controls", Boolean(controls)); }
}

if (globalThis.customElements && !customElements.get("matinee-player")) {
  customElements.define("matinee-player", MatineePlayer);
}
