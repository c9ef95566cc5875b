// The sessions of a media element: MediaKeys.

import { Session } from "./session.js";

export class Keys {
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
