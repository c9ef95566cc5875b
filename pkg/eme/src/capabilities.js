// What players ask browsers about key systems.

import { installed, isOurs } from "./installed.js";
import { Keys } from "./keys.js";
import { method } from "./patch.js";

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

export function answerCapabilities() {
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
}
