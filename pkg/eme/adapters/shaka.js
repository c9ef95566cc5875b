// Shaka Player on Matinee's key system. Shaka's table of systems takes no new entries, so Matinee's is named as one that is
// in it.

const OURS = "urn:uuid:6d617469-6e65-6580-8000-64726d000001";
const COMMON = "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b";
// `shaka.net.NetworkingEngine.RequestType.LICENSE`: part of Shaka's interface, with this value.
const LICENSE = 2;

const rename = (node) => {
  if (node.attributes?.schemeIdUri === OURS) {
    node.attributes.schemeIdUri = COMMON;
  }
  node.children?.forEach?.(rename);
};

export function configure(player, matinee) {
  player.configure({
    // A challenge is good for one license.
    drm: { servers: { "org.matinee.drm": matinee.licenseUrl }, retryParameters: { maxAttempts: 1 } },
    manifest: { dash: { keySystemsByURI: { [COMMON]: "org.matinee.drm" }, manifestPreprocessorTXml: (mpd) => rename(mpd) } },
  });
  player.getNetworkingEngine().registerRequestFilter((type, request) => {
    if (type === LICENSE) {
      Object.assign(request.headers, matinee.headersFor(request.body));
    }
  });
}
