// Loads the DRM module into its worker: the build for this browser, and only if its octets are those that the
// server names.
const early = [];
const keep = (event) => early.push(event.data);
self.addEventListener("message", keep);

// A module whose only function body is `v128.const 0; drop`: valid where SIMD is.
const SIMD = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 23, 1, 21, 0, 253, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 26, 11,
]);

// What is thrown here has the form of the crate drm-api's `DrmError`.
const failed = (error) => self.postMessage({ event: { failed: { error } } });

async function get(url, options) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch {
    throw { network: { what: url, status: 0 } };
  }
  if (!answer.ok) {
    throw { network: { what: url, status: answer.status } };
  }
  return answer;
}

// The file's octets, compared with their SHA-256 by the browser itself: it can where scripts have no
// crypto.subtle.
async function verified(url, sha256) {
  if (!("integrity" in Request.prototype)) {
    throw { unsupported: { what: "fetch with integrity" } };
  }
  const octets = sha256.match(/../g).map((byte) => String.fromCharCode(parseInt(byte, 16)));
  const options = { integrity: `sha256-${btoa(octets.join(""))}` };
  const once = async (options) => (await get(url, options)).arrayBuffer();
  try {
    return await once(options);
  } catch (error) {
    if (error?.network?.status !== 0) {
      throw error;
    }
  }
  // Other octets and no network look alike: so ask what it is.
  await once({ cache: "reload" });
  try {
    return await once(options);
  } catch {
    throw "module-mismatch";
  }
}

async function load() {
  const config = await (await get("/decryptor-config.json", { cache: "no-cache" })).json();
  const modern = WebAssembly.validate(SIMD) && self.crypto?.subtle;
  const module = modern ? config.module : config.compat;
  if (!module) {
    throw { unsupported: { what: "DRM module for this browser" } };
  }
  const [octets, glue, { holdSources }] = await Promise.all([
    verified(module.wasm, module.sha256),
    import(new URL(module.js, self.location.origin).href),
    import("./media-source.js"),
  ]);
  await glue.default({ module_or_path: await WebAssembly.compile(octets) });
  self.removeEventListener("message", keep);
  holdSources(self);
  glue.start(config);
  for (const data of early) {
    self.dispatchEvent(new MessageEvent("message", { data }));
  }
}

load().catch((error) => {
  const known = error === "module-mismatch" || error?.network || error?.unsupported;
  failed(known ? error : { unsupported: { what: `working DRM module (${error})` } });
});
