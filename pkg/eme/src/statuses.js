// What a session knows of its keys: a MediaKeyStatusMap.

import { hex, octetsOf } from "./octets.js";

export class Statuses {
  #all = new Map();

  set(states) {
    // In the order of the keys' names, as the standard has it.
    this.#all = new Map(states.map(({ kid, status }) => [kid, status]).sort(([a], [b]) => (a < b ? -1 : 1)));
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
