// Shaka Player: https://shaka-player-demo.appspot.com/docs/api/shaka.Player.html
const shakaPlayer = new shaka.Player();
const inWords = error => `Shaka ${error.code} ${JSON.stringify(error.data)}`;
shakaPlayer.addEventListener('error', event => fail(inWords(event.detail)));
window.act = {
  load: url => shakaPlayer.attach(video).then(() => shakaPlayer.load(url)).catch(error => fail(inWords(error))),
  height: height => {
    shakaPlayer.configure('abr.enabled', false);
    const active = shakaPlayer.getVariantTracks().find(track => track.active);
    const same = track => track.height == height && track.language == active.language;
    shakaPlayer.selectVariantTrack(shakaPlayer.getVariantTracks().find(same), true);
  },
  sound: language => {
    shakaPlayer.selectAudioTrack(shakaPlayer.getAudioTracks().find(track => track.language == language));
  },
  subtitles: language => {
    shakaPlayer.selectTextTrack(shakaPlayer.getTextTracks().find(track => track.language == language));
  },
};
