// What players ask browsers about key systems.

import { installed, isOurs } from "./installed.js";
import { Keys } from "./keys.js";
import { method } from "./patch.js";

// MP4, with codecs and without any other parameter.
const TYPE = /^\s*(audio|video)\/mp4\s*(?:;\s*codecs\s*=\s*(?:"([^"]*)"|([^\s";]+))\s*)?$/i;
const SOUND = /^\s*(mp4a|[ae]c-[34]|opus|flac|dts|mh[am]1|iamf)/i;

// Whether it is of this kind, and the browser takes it.
const isType = (kind, contentType) => {
  const [, is, ...codecs] = TYPE.exec(contentType) ?? [];
  const named = codecs.join("");
  return is?.toLowerCase() === kind && (kind === "audio" || !named || named.split(",").some((codec) => !SOUND.test(codec)))
    && MediaSource.isTypeSupported(named ? `${kind}/mp4; codecs="${named.trim()}"` : `${kind}/mp4`);
};

// The first of these configurations that there is, as it is.
function supported(configurations) {
  const one = (wanted) => {
    const types = (wanted.initDataTypes ?? []).filter((type) => type === "cenc" || type === "keyids");
    const sessions = wanted.sessionTypes ?? ["temporary"];
    const able = (kind, list) => list.filter(({ contentType, encryptionScheme }) => isType(kind, contentType)
      && (!encryptionScheme || /^cenc$|^cbcs$/.test(encryptionScheme)));
    const [audio, video] = [wanted.audioCapabilities ?? [], wanted.videoCapabilities ?? []];
    const [heard, seen] = [able("audio", audio), able("video", video)];
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
  const wanted = Array.from(configurations);
  if (!wanted.length || wanted.some((one) => Object(one) !== one)) {
    throw new TypeError("There are no configurations.");
  }
  const found = supported(wanted);
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
