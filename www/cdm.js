// A frame that holds the DRM module's worker and nothing else. It hands one port into the worker to the page around
// it, if that page's origin is on the operator's list; whoever else asks is not answered.
const of = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";
const script = of("matinee-worker");
// The server writes the list into the page that it gives out.
const listed = new Set([location.origin, ...of("matinee-embedders").split(" ").filter(Boolean)]);

// The one script that is started from an address is the worker's.
globalThis.trustedTypes?.createPolicy("default", { createScriptURL: (url) => (url === script ? url : null) });

function take(event) {
  const { source, origin, data, ports } = event;
  // A window that has opened this page, or another frame, is not the page around it.
  if (parent === self || source !== parent || !listed.has(origin) || data?.matinee !== 1 || ports.length !== 1) {
    return;
  }
  removeEventListener("message", take);
  const worker = new Worker(script, { type: "module", name: "matinee-cdm" });
  // It is told whose page it serves: what a page says of itself would be worth nothing.
  worker.postMessage({ origin }, [ports[0]]);
  // Nobody answers then.
  worker.onerror = worker.onmessage = () => parent.postMessage({ matinee: -1 }, origin);
  addEventListener("pagehide", () => worker.terminate());
}

addEventListener("message", take);
if (parent !== self) {
  // That it is let in here; there is nothing in it that others may not know.
  parent.postMessage({ matinee: 0 }, "*");
}
