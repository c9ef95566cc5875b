// Shaka Player on Matinee's key system: its UUID under the name of one that Shaka's table has.
const OURS = 'urn:uuid:6d617469-6e65-6580-8000-64726d000001';
const COMMON = 'urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b';
const rename = node => {
  if (node.attributes?.schemeIdUri === OURS) node.attributes.schemeIdUri = COMMON;
  node.children?.forEach?.(rename);
};
const tell = player => {
  player.configure({
    drm: { servers: { 'org.matinee.drm': matinee.licenseUrl } },
    manifest: { dash: { keySystemsByURI: { [COMMON]: 'org.matinee.drm' }, manifestPreprocessorTXml: mpd => rename(mpd) } },
  });
  player.getNetworkingEngine().registerRequestFilter((type, request) => {
    if (type === shaka.net.NetworkingEngine.RequestType.LICENSE) Object.assign(request.headers, matinee.headersFor(request.body));
  });
};
tell(shakaPlayer);
act.unload = () => shakaPlayer.unload().catch(error => fail(inWords(error)));
// Another film in another element of the same page.
act.second = (url, movie, grant) => {
  const second = Object.assign(document.createElement('video'), { muted: true, width: 320, height: 180 });
  Object.assign(second.dataset, { matineeMovie: movie, matineeGrant: grant });
  document.body.append(second);
  window.second = second;
  const player = new shaka.Player();
  tell(player);
  player.addEventListener('error', event => fail(inWords(event.detail)));
  player.attach(second).then(() => player.load(url)).then(() => second.play()).catch(error => fail(inWords(error)));
};
