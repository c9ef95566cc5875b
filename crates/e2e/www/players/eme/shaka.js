// Shaka Player on Matinee's key system: its UUID under the name of one that Shaka's table has.
const OURS = 'urn:uuid:6d617469-6e65-6580-8000-64726d000001';
const COMMON = 'urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b';
const rename = node => {
  if (node.attributes?.schemeIdUri === OURS) node.attributes.schemeIdUri = COMMON;
  node.children?.forEach?.(rename);
};
shakaPlayer.configure({
  drm: { servers: { 'org.matinee.drm': matinee.licenseUrl } },
  manifest: { dash: { keySystemsByURI: { [COMMON]: 'org.matinee.drm' }, manifestPreprocessorTXml: mpd => rename(mpd) } },
});
shakaPlayer.getNetworkingEngine().registerRequestFilter((type, request) => {
  if (type === shaka.net.NetworkingEngine.RequestType.LICENSE) Object.assign(request.headers, matinee.headersFor(request.body));
});
