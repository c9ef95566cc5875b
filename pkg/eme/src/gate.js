// One SourceBuffer: what its caller sees of an append, and what becomes of it.

import { Boxes } from "./boxes.js";
import { elementOf, hasOtherKeys, keysOf } from "./elements.js";
import { state } from "./errors.js";
import { encrypted, isInit, isOurMoov, moovsOf } from "./init-data.js";
import { installed } from "./installed.js";
import { joined, kind } from "./octets.js";

// How long until bytes are tried again for which there was no room, in milliseconds.
const RETRY = 500;

// What the browser's objects do, whatever they say.
const accessor = (of, name) => of && Object.getOwnPropertyDescriptor(of.prototype, name);
const real = {
  append: globalThis.SourceBuffer?.prototype.appendBuffer,
  updating: accessor(globalThis.SourceBuffer, "updating")?.get,
  mode: accessor(globalThis.SourceBuffer, "mode"),
  end: globalThis.MediaSource?.prototype.endOfStream,
};
let streams = 0;

export class Gate {
  busy = false; // as the caller sees `updating`
  #buffer;
  #source;
  #type;
  #stream = streams++;
  #ours = false; // its bytes go through the worker
  #link = null; // of these
  #fresh = true; // what comes next begins a segment
  #held = new Uint8Array(); // of an init segment that has not come whole: whose it is is not known yet
  #boxes = new Boxes();
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
    this.#forget();
    this.#leave();
    this.#fresh = true;
    this.#late = null;
  }

  #forget() {
    this.#boxes.forget();
    this.#held = new Uint8Array();
  }

  // From here on bytes go to the browser as they come.
  #leave() {
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
    // Another film's may follow in the same bytes.
    for (const moov of moovsOf(octets)) {
      if (!moov || isOurMoov(moov, keysOf.has(element))) {
        return moov && true;
      }
    }
    return false;
  }

  append(data) {
    if (!ArrayBuffer.isView(data) && !(data instanceof ArrayBuffer)) {
      return real.append.call(this.#buffer, data);
    }
    let octets = ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data);
    if (this.#ours) {
      const first = this.#may();
      this.#run(this.#begin(), this.#cut(octets), first);
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
    if (begins === null) {
      this.#held = octets.slice();
      octets = new Uint8Array();
    } else {
      this.#fresh = false;
    }
    if (begins) {
      this.#take();
    }
    this.#run(this.#begin(), begins ? this.#cut(octets) : [["clear", octets.slice()]], first);
  }

  // What the worker is to have, copied once: these bytes are the caller's. What is damaged is told when it has its turn.
  #cut(octets) {
    const pieces = [];
    try {
      pieces.push(...this.#boxes.pieces(octets));
    } catch (thrown) {
      pieces.push(["damage", thrown]);
    }
    return pieces;
  }

  // From here on bytes go through the worker.
  #take() {
    this.#ours = true;
    // Where the element's keys have their sessions, whatever has been installed since.
    this.#link = (keysOf.get(elementOf(this.#source))?.of ?? installed).link;
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

  async #run(job, pieces, first) {
    // An abort may come wherever this waits: what it has left behind is not touched then.
    const over = () => this.#job !== job;
    try {
      await first;
      // Nobody hears of the end of an append in the turn that has begun it.
      await (pieces.some(([, { length }]) => length) || new Promise((go) => setTimeout(go)));
      if (over()) {
        return;
      }
      for (const [type, piece] of pieces) {
        if (type === "damage") {
          throw piece;
        }
        let clear = piece;
        if (type === "init" && !this.#ours && this.#begins(piece)) {
          this.#take();
        }
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
      const { rest } = this.#boxes;
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
    this.#link.on("waiting", this.#stream, this.#lacks);
    const element = elementOf(this.#source);
    const event = encrypted(kids, initData);
    setTimeout(() => element?.dispatchEvent(event));
    return bytes;
  }

  // A key is missing: its element says so when it has nothing to play.
  #lacks = () => {
    const element = elementOf(this.#source);
    const job = this.#job;
    const say = () => this.#job === job && element.dispatchEvent(new Event("waitingforkey"));
    if (element?.readyState > HTMLMediaElement.HAVE_CURRENT_DATA && !element.paused) {
      element.addEventListener("waiting", say, { once: true });
    } else if (element) {
      say();
    }
  };

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
    this.#forget();
    this.#leave();
  };
}
