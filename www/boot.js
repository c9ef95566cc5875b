// Starts the app. What is not there at all has to be said here, without it.
const root = document.getElementById("app");

// In another site's page: that it is let in, before anything is there.
if (location.pathname === "/embed") {
  parent.postMessage({ matinee: 0 }, "*");
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

if (typeof WebAssembly !== "object") {
  say("This browser cannot play protected films",
    "It lacks WebAssembly. A current version of Chrome, Edge, Firefox or Safari can.");
} else {
  try {
    const { default: init, mount } = await import("./matinee.js");
    await init();
    mount();
  } catch (error) {
    console.error(error);
    const again = document.createElement("button");
    again.type = "button";
    again.className = "button";
    again.textContent = "Try again";
    again.addEventListener("click", () => location.reload());
    say("The page could not be loaded", "Check your connection.", again);
  }
}
