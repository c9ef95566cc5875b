// The sessions of a media element: MediaKeys.

import { octetsOf } from "./octets.js";
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

  // There are none.
  async setServerCertificate(certificate) {
    if (!octetsOf(certificate).length) {
      throw new TypeError("There is no certificate.");
    }
    return false;
  }

  // No browser tells its scripts which HDCP its displays have.
  async getStatusForPolicy(policy) {
    if (policy?.minHdcpVersion === undefined) {
      throw new TypeError("There is no policy.");
    }
    throw new DOMException("HDCP is not known here.", "NotSupportedError");
  }
}
