// hls.js on Matinee's key system. hls.js knows the KEYFORMATs that it knows, so Matinee's is named as one of them.

const OURS = "urn:uuid:6d617469-6e65-6580-8000-64726d000001";
const KNOWN = "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed";

export function configuration(Hls, matinee) {
  class Renaming extends Hls.DefaultConfig.loader {
    load(context, config, callbacks) {
      const onSuccess = (response, ...rest) => {
        if (typeof response.data === "string") {
          response.data = response.data.replaceAll(OURS, KNOWN);
        }
        callbacks.onSuccess(response, ...rest);
      };
      super.load(context, config, { ...callbacks, onSuccess });
    }
  }
  return {
    pLoader: Renaming,
    emeEnabled: true,
    requestMediaKeySystemAccessFunc: (_, wanted) => navigator.requestMediaKeySystemAccess("org.matinee.drm", wanted),
    drmSystems: { "com.widevine.alpha": { licenseUrl: matinee.licenseUrl } },
    licenseXhrSetup: (request, url, _, challenge) => {
      request.open("POST", url);
      Object.entries(matinee.headersFor(challenge)).forEach(([name, value]) => request.setRequestHeader(name, value));
    },
  };
}
