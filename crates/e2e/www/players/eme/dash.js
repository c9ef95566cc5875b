// dash.js on Matinee's key system: a key system of ours, under a name for which dash.js asks license servers.
const ours = {
  uuid: '6d617469-6e65-6580-8000-64726d000001',
  schemeIdURI: 'urn:uuid:6d617469-6e65-6580-8000-64726d000001',
  systemString: 'com.widevine.alpha',
  getInitData: ({ pssh }) => pssh ? Uint8Array.from(atob(pssh.__text.trim()), c => c.charCodeAt(0)).buffer : null,
  getRequestHeadersFromMessage: message => matinee.headersFor(message),
  getLicenseRequestFromMessage: message => new Uint8Array(message),
  getLicenseServerURLFromInitData: () => null,
  getCDMData: () => null,
};
act.unload = () => dash.reset();
act.load = url => {
  dash.initialize(video, null, false);
  dash.setProtectionData({ 'com.widevine.alpha': { serverURL: matinee.licenseUrl, systemStringPriority: ['org.matinee.drm'] } });
  dash.getProtectionController().setKeySystems([ours]);
  dash.attachSource(url);
};
