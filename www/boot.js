// Starts the app: all of the site, or the player alone where the page says so. What is not there at all has to be said
// here, without it.
import { language } from "./language.js";

// On its way beside the app.
const speaking = language();
const root = document.getElementById("app");
// Pages that play a film when they are opened by their address have no more than that.
const alone = document.querySelector("meta[name=matinee-part]")?.content === "player";

// In another site's page: that it is let in, before anything is there.
if (location.pathname === "/embed") {
  parent.postMessage({ matinee: 0 }, "*");
}

// In the viewer's language, where its table came.
async function word(name, english) {
  return (await speaking)?.early[name] ?? english;
}

function say(title, text, ...actions) {
  const box = document.createElement("section");
  box.className = "trouble";
  box.setAttribute("role", "alert");
  const heading = document.createElement("h2");
  heading.textContent = title;
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  box.append(heading, paragraph, ...actions);
  root.replaceChildren(box);
}

// The one script that is started from an address is the DRM module's loader; nothing here turns text into
// markup or code.
const loader = document.querySelector("meta[name=matinee-worker]")?.content;
globalThis.trustedTypes?.createPolicy("default", { createScriptURL: (url) => (url === loader ? url : null) });

// The DRM module's worker, which the app takes over: on pages that play a film it loads beside the app, not after it.
// What it says before is heard then.
function begin() {
  if (!loader || !["/watch", "/embed"].includes(location.pathname)) {
    return undefined;
  }
  let worker;
  try {
    worker = new Worker(loader, { type: "module", name: "matinee-decryptor" });
  } catch {
    // The app says what there cannot be.
    return undefined;
  }
  const early = [];
  const keep = (event) => early.push(event);
  const kinds = ["message", "messageerror", "error"];
  for (const kind of kinds) {
    worker.addEventListener(kind, keep);
  }
  const handOver = () => {
    for (const kind of kinds) {
      worker.removeEventListener(kind, keep);
    }
    for (const event of early) {
      worker.dispatchEvent(event);
    }
  };
  return { worker, handOver };
}

if (typeof WebAssembly !== "object") {
  say(await word("early-no-modules", "This browser cannot play protected films"),
    await word("early-no-modules.text", "It lacks WebAssembly. A current version of Chrome, Edge, Firefox or Safari can."));
} else {
  try {
    const begun = begin();
    const { default: init, mount } = await (alone ? import("./matinee_watch.js") : import("./matinee.js"));
    await init();
    mount(await speaking, begun);
  } catch (error) {
    console.error(error);
    const again = document.createElement("button");
    again.type = "button";
    again.className = "button";
    again.textContent = await word("early-try-again", "Try again");
    again.addEventListener("click", () => location.reload());
    say(await word("early-not-loaded", "The page could not be loaded"),
      await word("early-not-loaded.text", "Check your connection."), again);
  }
}
