// The frame of the Matinee, and the port that leads through it to the DRM module's worker.

import { failure } from "./errors.js";

// How long the frame may be silent until it counts as refused, in milliseconds.
const SILENCE = 10_000;

export const display = () => {
  const extended = globalThis.screen?.isExtended;
  return extended === undefined ? "unknown" : extended ? "extended" : "single";
};

export class Link {
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
    // Sessions hear that their keys are gone.
    this.#heard.forEach((tell, name) => name.startsWith("keys ") && tell({}));
  }

  #open(url) {
    return new Promise((done, failed) => {
      const origin = new URL(url, location.href).origin;
      const frame = document.createElement("iframe");
      this.#frame = frame;
      let open = false;
      const fail = (code, message) => {
        if (!open) {
          removeEventListener("message", listen, true);
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
        // The page's own listeners wait for other words.
        event.stopImmediatePropagation();
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
      addEventListener("message", listen, true);
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
