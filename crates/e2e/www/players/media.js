// No player: a film's picture, fetched whole and appended segment by segment, through the shim or by the browser's own
// ClearKey on the same page.
const number = (octets, at) => new DataView(octets.buffer).getUint32(at);
const type = (octets, at) => String.fromCharCode(...octets.subarray(at + 4, at + 8));
const heard = (target, name) => new Promise(done => target.addEventListener(name, done, { once: true }));

// The largest picture of an MPD: its type, init segment, segments by its index, and where ClearKey's keys are.
async function filmOf(url) {
  const mpd = new DOMParser().parseFromString(await (await fetch(url)).text(), 'text/xml');
  const all = [...mpd.querySelectorAll('Representation')].filter(one => one.hasAttribute('height'));
  const largest = all.reduce((a, b) => (Number(b.getAttribute('bandwidth')) > Number(a.getAttribute('bandwidth')) ? b : a));
  const attribute = name => largest.getAttribute(name) ?? largest.parentElement.getAttribute(name);
  const file = new URL(largest.querySelector('BaseURL').textContent.trim(), url);
  const octets = new Uint8Array(await (await fetch(file)).arrayBuffer());
  const segments = [];
  let init = null;
  for (let at = 0; at + 8 <= octets.length; at += number(octets, at)) {
    const end = at + number(octets, at);
    if (type(octets, at) === 'moov') {
      init = octets.slice(0, end);
    } else if (type(octets, at) === 'sidx') {
      const wide = octets[at + 8] ? 8 : 0;
      const list = at + 28 + wide;
      let begun = end + number(octets, list - 8);
      for (let entry = list + 4; entry < end; entry += 12) {
        segments.push(octets.slice(begun, begun + number(octets, entry)));
        begun += number(octets, entry);
      }
      break;
    }
  }
  const keys = mpd.getElementsByTagName('dashif:Laurl')[0]?.textContent.trim();
  const protection = [...largest.children, ...largest.parentElement.children].find(one => one.hasAttribute('cenc:default_KID'));
  const kid = protection?.getAttribute('cenc:default_KID').replaceAll('-', '').match(/../g).map(two => parseInt(two, 16));
  return { kid, type: `${attribute('mimeType')}; codecs="${attribute('codecs')}"`, init, segments, keys };
}

// A source buffer of an element of its own, with the init segment in it and a license on its way.
async function begin(film, name) {
  const element = document.createElement('video');
  element.muted = true;
  document.body.append(element);
  const wanted = [{ initDataTypes: ['cenc', 'keyids'], videoCapabilities: [{ contentType: film.type }] }];
  const access = await navigator.requestMediaKeySystemAccess(name, wanted);
  await element.setMediaKeys(await access.createMediaKeys());
  const source = new MediaSource();
  element.src = URL.createObjectURL(source);
  await heard(source, 'sourceopen');
  const buffer = source.addSourceBuffer(film.type);
  const encrypted = heard(element, 'encrypted');
  buffer.appendBuffer(film.init);
  await heard(buffer, 'updateend');
  let { initDataType, initData } = await encrypted;
  if (name === 'org.w3.clearkey') {
    const named = btoa(String.fromCharCode(...film.kid)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
    [initDataType, initData] = ['keyids', new TextEncoder().encode(JSON.stringify({ kids: [named] }))];
  }
  const session = element.mediaKeys.createSession();
  const message = heard(session, 'message');
  const given = heard(session, 'keystatuseschange');
  await session.generateRequest(initDataType, initData);
  const challenge = (await message).message;
  const license = name === 'org.matinee.drm' ? await matinee.fetchLicense(challenge)
    : await (await fetch(film.keys, { method: 'POST', body: challenge })).arrayBuffer();
  await session.update(license);
  await given;
  return { element, source, buffer, session };
}

// Milliseconds from `appendBuffer` to `updateend`, segment by segment.
async function appends({ buffer }, film) {
  const times = [];
  for (const segment of film.segments) {
    const begun = performance.now();
    buffer.appendBuffer(segment);
    await heard(buffer, 'updateend');
    times.push(performance.now() - begun);
  }
  buffer.remove(0, Infinity);
  await heard(buffer, 'updateend');
  return times;
}

window.media = { filmOf, begin, appends };
