// Shaka Player: https://shaka-player-demo.appspot.com/docs/api/shaka.Player.html
window.make = video => {
  const player = new shaka.Player();
  const inWords = error => `Shaka ${error.code} ${JSON.stringify(error.data)}`;
  const failed = error => fail(inWords(error));
  player.addEventListener('error', event => failed(event.detail));
  window.adapter?.configure(player, matinee);
  return {
    load: url => player.attach(video).then(() => player.load(url)).catch(failed),
    unload: () => player.unload().catch(failed),
    ahead: seconds => player.configure('streaming', { bufferingGoal: seconds, rebufferingGoal: 1 }),
    height: height => {
      player.configure('abr.enabled', false);
      const active = player.getVariantTracks().find(track => track.active);
      const same = track => track.height == height && track.language == active.language;
      player.selectVariantTrack(player.getVariantTracks().find(same), true);
    },
    sound: language => player.selectAudioTrack(player.getAudioTracks().find(track => track.language == language)),
    subtitles: language => player.selectTextTrack(player.getTextTracks().find(track => track.language == language)),
  };
};
