// hls.js on Matinee's key system: its KEYFORMAT under the name of one that hls.js knows.
const OURS = 'urn:uuid:6d617469-6e65-6580-8000-64726d000001';
const KNOWN = 'urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed';
class Renaming extends Hls.DefaultConfig.loader {
  load(context, config, callbacks) {
    const onSuccess = (response, ...rest) => {
      if (typeof response.data === 'string') response.data = response.data.replaceAll(OURS, KNOWN);
      callbacks.onSuccess(response, ...rest);
    };
    super.load(context, config, { ...callbacks, onSuccess });
  }
}
act.unload = () => hls.destroy();
act.load = url => {
  hls = new Hls({
    pLoader: Renaming,
    emeEnabled: true,
    requestMediaKeySystemAccessFunc: (_, configurations) => navigator.requestMediaKeySystemAccess('org.matinee.drm', configurations),
    drmSystems: { 'com.widevine.alpha': { licenseUrl: matinee.licenseUrl } },
    licenseXhrSetup: (request, url, context, challenge) => {
      request.open('POST', url);
      Object.entries(matinee.headersFor(challenge)).forEach(([name, value]) => request.setRequestHeader(name, value));
    },
  });
  hls.on(Hls.Events.ERROR, (_, error) => {
    const said = error.networkDetails?.response;
    if (error.fatal) fail(`hls.js ${error.details} ${error.error?.message} ${said ? new TextDecoder().decode(said) : ''}`);
  });
  hls.attachMedia(video);
  hls.loadSource(url);
};
