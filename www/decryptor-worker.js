// Loads the DRM module into its worker: only if its octets are those that the server names.
const early = [];
const keep = (event) => early.push(event.data);
self.addEventListener("message", keep);

const failed = (error) => self.postMessage({ event: { type: "failed", error } });

async function get(url, options) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch {
    throw { kind: "network", what: url, status: 0 };
  }
  if (!answer.ok) {
    throw { kind: "network", what: url, status: answer.status };
  }
  return answer;
}

async function load() {
  const config = await (await get("/decryptor-config.json", { cache: "no-cache" })).json();
  const { module } = config;
  if (!module) {
    throw { kind: "unsupported", what: "DRM module for this browser" };
  }
  if (!self.crypto?.subtle) {
    throw { kind: "unsupported", what: "crypto.subtle" };
  }
  const [octets, glue] = await Promise.all([
    get(module.wasm).then((answer) => answer.arrayBuffer()),
    import(new URL(module.js, self.location.origin).href),
  ]);
  const digest = new Uint8Array(await self.crypto.subtle.digest("SHA-256", octets));
  const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hex !== module.sha256) {
    throw { kind: "module-mismatch" };
  }
  await glue.default({ module_or_path: await WebAssembly.compile(octets) });
  self.removeEventListener("message", keep);
  glue.start(config);
  for (const data of early) {
    self.dispatchEvent(new MessageEvent("message", { data }));
  }
}

load().catch((error) => {
  failed(error?.kind ? error : { kind: "unsupported", what: `working DRM module (${error})` });
});
