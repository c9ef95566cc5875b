// hls.js: https://github.com/video-dev/hls.js/blob/v1.7.4/docs/API.md
const base64url = octets => btoa(String.fromCharCode(...octets)).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
let hls;
window.act = {
  load: url => {
    hls = new Hls({
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
    });
    hls.on(Hls.Events.ERROR, (_, error) => { if (error.fatal) fail(`hls.js ${error.details} ${error.error?.message}`) });
    hls.attachMedia(video);
    hls.loadSource(url);
  },
  height: height => hls.currentLevel = hls.levels.findIndex(level => level.height == height),
  sound: language => hls.audioTrack = hls.audioTracks.findIndex(track => track.lang == language),
  subtitles: language => {
    hls.subtitleTrack = hls.subtitleTracks.findIndex(track => track.lang == language);
    hls.subtitleDisplay = true;
  },
};
