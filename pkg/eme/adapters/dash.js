// dash.js on Matinee's key system. dash.js asks license servers for the systems that it knows only, so Matinee's has the
// name of one; the access that dash.js gets is Matinee's.

const octets = (text) => Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0)).buffer;

export function configure(player, matinee) {
  player.setProtectionData({
    "com.widevine.alpha": { serverURL: matinee.licenseUrl, systemStringPriority: ["org.matinee.drm"] },
  });
  player.getProtectionController().setKeySystems([{
    uuid: "6d617469-6e65-6580-8000-64726d000001",
    schemeIdURI: "urn:uuid:6d617469-6e65-6580-8000-64726d000001",
    systemString: "com.widevine.alpha",
    getInitData: ({ pssh }) => (pssh ? octets(pssh.__text) : null),
    getRequestHeadersFromMessage: (message) => matinee.headersFor(message),
    getLicenseRequestFromMessage: (message) => new Uint8Array(message),
    getLicenseServerURLFromInitData: () => null,
    getCDMData: () => null,
  }]);
}
