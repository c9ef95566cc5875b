// What players rely on and the standard says, case by case; `window.results` has them at the end.
const results = [];
const is = (found, wanted) => {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
  }
};
const errorOf = promise => promise.then(() => "nothing", error => error.name);
const heard = (target, type) => new Promise(done => target.addEventListener(type, done, { once: true }));
const test = async (name, act) => {
  try {
    await act();
    results.push({ name, passed: true, message: "" });
  } catch (thrown) {
    results.push({ name, passed: false, message: String(thrown?.message ?? thrown) });
  }
};

const VIDEO = 'video/mp4; codecs="avc1.64001f"';
const access = configurations => navigator.requestMediaKeySystemAccess("org.matinee.drm", configurations);
const keys = async (types = ["temporary"]) => (await access([{
  initDataTypes: ["cenc", "keyids"], videoCapabilities: [{ contentType: VIDEO }], sessionTypes: types,
}])).createMediaKeys();
const octets = text => new TextEncoder().encode(text);
const KEYIDS = octets('{"kids":["AAECAwQFBgcICQoLDA0ODw"]}');
const license = (...kids) => octets(JSON.stringify({ keys: kids.map(kid => ({ kty: "oct", kid, k: "AAECAwQFBgcICQoLDA0ODw" })) }));

await test("a configuration is judged by kind, codecs and parameters", async () => {
  const able = contentType => access([{ videoCapabilities: [{ contentType }] }]).then(() => true, () => false);
  is(await Promise.all([
    VIDEO, ` ${VIDEO} `, "VIDEO/MP4; codecs=avc1.64001f", 'video/mp4; codecs="mp4a.40.2"', 'audio/mp4; codecs="mp4a.40.2"', `${VIDEO}; foo="bar"`,
  ].map(able)), [true, true, true, false, false, false]);
  is(await Promise.all([[], "none", [1], undefined].map(wanted => errorOf(access(wanted)))), Array(4).fill("TypeError"));
});

await test("what is no ArrayBuffer is a TypeError", async () => {
  const made = await keys();
  const session = made.createSession();
  for (const bad of [undefined, null, "", 1, {}]) {
    is(await errorOf(session.generateRequest("cenc", bad)), "TypeError");
    is(await errorOf(session.update(bad)), "TypeError");
    is(await errorOf(made.setServerCertificate(bad)), "TypeError");
  }
  is(await errorOf(made.setServerCertificate(new Uint8Array())), "TypeError");
  is(await made.setServerCertificate(new Uint8Array(1)), false);
});

await test("initialization data has the form that it is said to have", async () => {
  const made = await keys();
  const error = (type, data) => errorOf(made.createSession().generateRequest(type, data));
  is(await error("cenc", octets("no box at all, and more than that")), "TypeError");
  is(await error("cenc", new Uint8Array(70_000)), "TypeError");
  is(await error("keyids", octets("{")), "TypeError");
  is(await error("keyids", octets('{"kids":[""]}')), "TypeError");
  is(await error("webm", new Uint8Array(16)), "NotSupportedError");
  is(await error("", new Uint8Array(16)), "TypeError");
  is(await error("keyids", octets("{}")), "nothing");
});

await test("a session is asked for once, and is of no use when it is closed", async () => {
  const session = (await keys()).createSession();
  is(await errorOf(session.close()), "InvalidStateError");
  is(await errorOf(session.update(license())), "InvalidStateError");
  await session.generateRequest("keyids", KEYIDS);
  is(await errorOf(session.generateRequest("keyids", KEYIDS)), "InvalidStateError");
  await session.close();
  is(await session.closed, "closed-by-application");
  is(await errorOf(session.close()), "nothing");
  is(await errorOf(session.update(license())), "InvalidStateError");
  is(await errorOf(session.remove()), "InvalidStateError");
});

await test("a session that has asked for nothing yet takes no license", async () => {
  const session = (await keys()).createSession();
  const asked = session.generateRequest("keyids", KEYIDS);
  is(await errorOf(session.update(license("AAECAwQFBgcICQoLDA0ODw"))), "InvalidStateError");
  is(await errorOf(session.remove()), "InvalidStateError");
  is(await errorOf(asked), "nothing");
});

await test("a session that is closed while it begins is closed in the module, too", async () => {
  const { sessions } = document.querySelector("iframe").contentWindow;
  const made = await keys(["temporary", "persistent-license"]);
  const before = sessions.size;
  for (const [type, begin] of [
    ["temporary", session => session.generateRequest("keyids", KEYIDS)],
    ["persistent-license", session => session.load("matinee-1")],
  ]) {
    const session = made.createSession(type);
    const said = [];
    session.addEventListener("message", () => said.push("message"));
    const begun = errorOf(begin(session));
    await session.close();
    is(await begun, "InvalidStateError");
    is(await session.closed, "closed-by-application");
    is([sessions.size, said, session.sessionId], [before, [], ""]);
  }
});

await test("events come behind what they are the consequence of", async () => {
  const session = (await keys()).createSession();
  const order = [];
  session.addEventListener("message", () => order.push("message"));
  session.addEventListener("keystatuseschange", () => order.push("keystatuseschange"));
  const message = heard(session, "message");
  await session.generateRequest("keyids", KEYIDS).then(() => order.push("asked"));
  is(JSON.parse(new TextDecoder().decode((await message).message)).kids.length, 1);
  const changed = heard(session, "keystatuseschange");
  await session.update(license("AAECAwQFBgcICQoLDA0ODw")).then(() => order.push("updated"));
  await changed;
  is(order, ["asked", "message", "updated", "keystatuseschange"]);
});

await test("key statuses are in the order of their names", async () => {
  const session = (await keys()).createSession();
  await session.generateRequest("keyids", KEYIDS);
  await session.update(license("_w8PDw8PDw8PDw8PDw8PDw", "AAECAwQFBgcICQoLDA0ODw", "gA8PDw8PDw8PDw8PDw8PDw"));
  is(Array.from(session.keyStatuses.keys(), kid => new Uint8Array(kid)[0]), [0, 128, 255]);
  is([...session.keyStatuses.values()], ["usable", "usable", "usable"]);
});

await test("a license that is none is a TypeError, and a refusal says its code", async () => {
  const session = (await keys()).createSession();
  await session.generateRequest("keyids", KEYIDS);
  is(await errorOf(session.update(new Uint8Array([0, 17, 34]))), "TypeError");
  is(await errorOf(session.update(octets('{"error":{"code":"STREAM_LIMIT","message":"Too many."}}'))), "STREAM_LIMIT");
});

await test("a license that is removed is released, and its session ends", async () => {
  const made = await keys(["persistent-license"]);
  const session = made.createSession("persistent-license");
  await session.generateRequest("keyids", KEYIDS);
  await session.update(license("AAECAwQFBgcICQoLDA0ODw"));
  await session.remove();
  is([...session.keyStatuses.values()], ["released"]);
  is(await session.closed, "release-acknowledged");
  is(session.keyStatuses.size, 0);
  is(await made.createSession("persistent-license").load(session.sessionId), false);
});

await test("the frame's own messages reach no listener that comes later", async () => {
  // Another frame, of another address.
  Matinee.eme({ server: location.origin, frame: `${location.origin}/module.html?2`, movie: 1, grant: "a-1.1.1" });
  const session = (await keys()).createSession();
  const said = [];
  const listen = ({ data }) => said.push(data);
  addEventListener("message", listen);
  await session.generateRequest("keyids", KEYIDS);
  removeEventListener("message", listen);
  is(said, []);
});

await test("a media source in a worker is refused in words", async () => {
  const script = "const { handle } = self.source = new MediaSource(); postMessage(handle, [handle]);";
  const worker = new Worker(URL.createObjectURL(new Blob([script])));
  const { data: handle } = await heard(worker, "message");
  const [first, second] = [document.createElement("video"), document.createElement("video")];
  // The element has its keys first, or its source.
  await first.setMediaKeys(await keys());
  is(await errorOf(new Promise(() => { first.srcObject = handle; })), "NotSupportedError");
  second.srcObject = handle;
  is(await errorOf(second.setMediaKeys(await keys())), "NotSupportedError");
  worker.terminate();
});

// ---- a source buffer of 1 MB ----

const word = (bytes, at) => new DataView(bytes.buffer).getUint32(at);
const kind = (bytes, at) => String.fromCharCode(...bytes.subarray(at + 4, at + 8));
const film = new Uint8Array(await (await fetch("/film.mp4")).arrayBuffer());

// The film's init segment, with a box of Matinee's in its `moov`, and its fragments.
function cut() {
  const fragments = [];
  let init = null;
  let begun = 0;
  for (let at = 0; at + 8 <= film.length; at += word(film, at)) {
    const end = at + word(film, at);
    if (kind(film, at) === "moov") {
      const pssh = new Uint8Array(52);
      new DataView(pssh.buffer).setUint32(0, 52);
      pssh.set(octets("pssh"), 4);
      pssh[8] = 1;
      pssh.set([0x6d, 0x61, 0x74, 0x69, 0x6e, 0x65, 0x65, 0x80, 0x80, 0, 0x64, 0x72, 0x6d, 0, 0, 1], 12);
      pssh[31] = 1;
      init = new Uint8Array(end + 52);
      init.set(film.subarray(0, end));
      init.set(pssh, end);
      new DataView(init.buffer).setUint32(at, word(film, at) + 52);
      begun = end;
    } else if (kind(film, at) === "mdat") {
      fragments.push(film.slice(begun, end));
      begun = end;
    }
  }
  return { init, fragments };
}

await test("an init segment of Matinee's that comes in parts behind another's is taken", async () => {
  const { init } = cut();
  const other = film.subarray(0, init.length - 52);
  for (const at of [12, init.length - 60]) {
    const video = document.createElement("video");
    const source = new MediaSource();
    video.src = URL.createObjectURL(source);
    await heard(source, "sourceopen");
    const buffer = source.addSourceBuffer(VIDEO);
    const events = [];
    video.addEventListener("encrypted", ({ isTrusted }) => events.push(isTrusted ? "the browser's" : "the shim's"));
    const first = new Uint8Array(other.length + at);
    first.set(other);
    first.set(init.subarray(0, at), other.length);
    for (const bytes of [first, init.subarray(at)]) {
      buffer.appendBuffer(bytes);
      await heard(buffer, "updateend");
    }
    await new Promise(done => setTimeout(done));
    is(events, ["the shim's"]);
  }
});

await test("a full buffer is a QuotaExceededError of the next append, in place, and nothing is lost", async () => {
  const { init, fragments } = cut();
  const video = document.querySelector("video");
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  await heard(source, "sourceopen");
  await video.setMediaKeys(await keys());
  const buffer = source.addSourceBuffer(VIDEO);
  let thrown = 0;
  const seen = [];
  const end = () => (buffer.buffered.length ? buffer.buffered.end(buffer.buffered.length - 1) : 0);
  for (const bytes of [init, ...fragments]) {
    for (;;) {
      try {
        buffer.appendBuffer(bytes);
      } catch (error) {
        is(error.name, "QuotaExceededError");
        is(buffer.updating, false);
        thrown += 1;
        // As players do: what has been played goes, and the same is appended again.
        buffer.remove(0, end() - 0.5);
        await heard(buffer, "updateend");
        continue;
      }
      is(buffer.updating, true);
      await heard(buffer, "updateend");
      is(buffer.updating, false);
      break;
    }
    seen.push(end());
  }
  source.endOfStream();
  await heard(source, "sourceended");
  if (!thrown || !window.quotaErrors) {
    throw new Error("The buffer was never full.");
  }
  is(buffer.buffered.length, 1);
  is(Math.round(end()), 60);
  is(seen.every((at, n) => !n || at >= seen[n - 1]), true);
  // The last append may have found no room: its bytes came before the end of the stream.
  is(Math.abs(source.duration - end()) < 0.1, true);
});

window.results = results;
