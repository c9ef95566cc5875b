// @matinee/eme: Encrypted Media Extensions on Matinee's DRM module, for players of others. A classic script, to be
// loaded before the player. docs/eme.md describes it.
//
// Keys stay in the module's worker, in a frame of the Matinee (`/cdm`). This script answers what players ask browsers
// about key systems, and stands between a SourceBuffer and its caller: what is appended goes through the worker.
// Whatever is not Matinee's (clear media, other key systems) goes to the browser as it came.

import { standBetween } from "./buffers.js";
import { answerCapabilities } from "./capabilities.js";
import { followSources, takeKeys } from "./elements.js";
import { install } from "./installed.js";

const script = globalThis.document?.currentScript;

// `Matinee.eme`.
const publish = (eme) => {
  globalThis.Matinee = Object.assign(globalThis.Matinee ?? {}, { eme });
};

function begin() {
  answerCapabilities();
  takeKeys();
  if (!globalThis.MediaSource) {
    publish(install);
    return;
  }
  followSources();
  standBetween();
  publish(install);
  const { server, frame, movie, grant, impersonate } = script?.dataset ?? {};
  if (server || frame) {
    install({ server, frame, movie, grant, impersonate: impersonate?.split(" ") });
  }
}

// Loaded twice, it is there already.
if (!globalThis.Matinee?.eme) {
  if (globalThis.HTMLMediaElement) {
    begin();
  } else {
    // On a server there are no media: it can be imported there.
    publish(() => {
      throw new Error("There is no browser here.");
    });
  }
}
