// dash.js: https://dashif.org/dash.js/
window.make = video => {
  const dash = dashjs.MediaPlayer().create();
  dash.on(dashjs.MediaPlayer.events.ERROR, event => fail(`dash.js ${event.error?.code} ${event.error?.message}`));
  return {
    load: url => {
      dash.initialize(video, null, false);
      window.adapter?.configure(dash, matinee);
      dash.attachSource(url);
    },
    unload: () => dash.reset(),
    ahead: seconds => dash.updateSettings({
      streaming: { buffer: { bufferTimeDefault: seconds, bufferTimeAtTopQuality: seconds, bufferTimeAtTopQualityLongForm: seconds } },
    }),
    height: height => {
      dash.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } });
      const found = dash.getRepresentationsByType('video').find(representation => representation.height == height);
      dash.setRepresentationForTypeById('video', found.id, true);
    },
    sound: language => dash.setCurrentTrack(dash.getTracksFor('audio').find(track => track.lang == language)),
    subtitles: language => {
      dash.setTextTrack(dash.getTracksFor('text').findIndex(track => track.lang == language));
      dash.enableText(true);
    },
  };
};
