// hls.js: https://github.com/video-dev/hls.js/blob/v1.7.4/docs/API.md
const base64url = octets => btoa(String.fromCharCode(...octets)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
// The browser's own ClearKey, where the page has no DRM module.
const clearKey = {
  emeEnabled: true,
  drmSystems: {
    'org.w3.clearkey': {
      // The playlist says where: see `licenseXhrSetup`.
      licenseUrl: 'about:blank',
      generateRequest: (type, data, { decryptdata }) => {
        const kids = JSON.stringify({ kids: [base64url(decryptdata.keyId)] });
        return { initDataType: 'keyids', initData: new TextEncoder().encode(kids).buffer };
      },
    },
  },
  licenseXhrSetup: (request, _, { decryptdata }) => request.open('POST', decryptdata.uri),
};
window.make = video => {
  let hls;
  let ahead = {};
  return {
    load: url => {
      hls = new Hls({ ...(window.adapter?.configuration(Hls, matinee) ?? clearKey), ...ahead });
      hls.on(Hls.Events.ERROR, (_, error) => {
        const said = error.networkDetails?.response;
        if (error.fatal) fail(`hls.js ${error.details} ${error.error?.message} ${said?.byteLength ? new TextDecoder().decode(said) : ''}`);
      });
      hls.attachMedia(video);
      hls.loadSource(url);
    },
    unload: () => hls.destroy(),
    ahead: seconds => ahead = { maxBufferLength: seconds, maxMaxBufferLength: seconds },
    height: height => hls.currentLevel = hls.levels.findIndex(level => level.height == height),
    sound: language => hls.audioTrack = hls.audioTracks.findIndex(track => track.lang == language),
    subtitles: language => {
      hls.subtitleTrack = hls.subtitleTracks.findIndex(track => track.lang == language);
      hls.subtitleDisplay = true;
    },
  };
};
