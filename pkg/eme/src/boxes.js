// A stream of boxes that comes in any pieces, cut as the worker takes it.

import { isInit } from "./init-data.js";
import { joined, kind, word } from "./octets.js";

export class Boxes {
  rest = new Uint8Array(); // of a box that has not come whole: an init segment, or a header
  #left = 0; // octets of a box of media that are still to come

  forget() {
    this.rest = new Uint8Array();
    this.#left = 0;
  }

  // Init segments whole, media in what pieces there are, in order; all of them copies.
  *pieces(octets) {
    let rest = this.rest.length ? joined(this.rest, octets) : octets;
    this.rest = new Uint8Array();
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
    this.rest = rest.slice();
  }
}
