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

// Compiles while it comes where the browser can, and lets it keep the machine code beside the file.
async function compiled(answer) {
  const streams = WebAssembly.compileStreaming && answer.headers.get("content-type") === "application/wasm";
  return streams ? WebAssembly.compileStreaming(answer) : WebAssembly.compile(await answer.arrayBuffer());
}

// The file as a module, its octets compared with their SHA-256 by the browser itself before anybody has them: it can
// where scripts have no crypto.subtle.
async function verified(url, sha256) {
  if (!("integrity" in Request.prototype)) {
    throw { unsupported: { what: "fetch with integrity" } };
  }
  const octets = sha256.match(/../g).map((byte) => String.fromCharCode(parseInt(byte, 16)));
  const options = { integrity: `sha256-${btoa(octets.join(""))}` };
  let answer;
  try {
    answer = await get(url, options);
  } catch (error) {
    if (error?.network?.status !== 0) {
      throw error;
    }
  }
  if (answer) {
    return compiled(answer);
  }
  // Other octets and no network look alike: so ask what it is.
  await (await get(url, { cache: "reload" })).arrayBuffer();
  try {
    answer = await get(url, options);
  } catch {
    throw "module-mismatch";
  }
  return compiled(answer);
}

// The files that this loader was built with, on their way into the browser's cache while the configuration is asked for.
// What runs is what the configuration names, compared with what it says; where that is something else, this was in vain.
function begin(modern) {
  const [wasm, glue] = modern
    ? [new URL("./decryptor_bg.wasm", import.meta.url), new URL("./decryptor.js", import.meta.url)]
    : [new URL("./decryptor_compat_bg.wasm", import.meta.url), new URL("./decryptor_compat.js", import.meta.url)];
  for (const url of [wasm, glue, new URL("./media-source.js", import.meta.url)]) {
    fetch(url).then((answer) => answer.arrayBuffer()).catch(() => {});
  }
}

async function load() {
  const modern = WebAssembly.validate(SIMD) && self.crypto?.subtle;
  const asked = get("/decryptor-config.json", { cache: "no-cache" });
  begin(modern);
  const config = await (await asked).json();
  const module = modern ? config.module : config.compat;
  if (!module) {
    throw { unsupported: { what: "DRM module for this browser" } };
  }
  const [compiledModule, glue, { holdSources }] = await Promise.all([
    verified(module.wasm, module.sha256),
    import(new URL(module.js, self.location.origin).href),
    import("./media-source.js"),
  ]);
  await glue.default({ module_or_path: compiledModule });
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
