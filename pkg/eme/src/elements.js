// Media elements: which keys they have, and which MediaSource plays in them.

import { Keys } from "./keys.js";
import { method, property } from "./patch.js";

export const keysOf = new WeakMap(); // media element → Keys
const elements = new WeakMap(); // MediaSource → WeakRef of its media element
const urls = new Map(); // object URL → WeakRef of its MediaSource

export const hasOtherKeys = (element) => Boolean(element?.mediaKeys && !keysOf.has(element));

export function elementOf(source) {
  const known = elements.get(source)?.deref();
  const uses = (element) => urls.get(element.currentSrc)?.deref() === source;
  return known ?? [...document.querySelectorAll("video, audio")].find(uses);
}

// A media source in a worker: what is appended there comes by nobody here.
const isElsewhere = (source) => globalThis.MediaSourceHandle && source instanceof MediaSourceHandle;
const refuse = () => {
  throw new DOMException("A MediaSource in a worker cannot have Matinee's keys: tell the player to have it in the page.", "NotSupportedError");
};

// `mediaKeys` and `setMediaKeys`.
export function takeKeys() {
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
    if (isElsewhere(this.srcObject)) {
      refuse();
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
}

// The ways by which a MediaSource gets into an element.
export function followSources() {
  const Media = HTMLMediaElement.prototype;
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
      if (isElsewhere(source) && keysOf.has(this)) {
        refuse();
      }
      before(source);
      attach(this, source);
    },
  });
}
