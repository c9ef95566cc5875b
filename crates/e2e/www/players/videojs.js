// video.js with videojs-contrib-eme: https://github.com/videojs/videojs-contrib-eme
window.make = element => {
  const player = videojs(element, { html5: { vhs: { overrideNative: true } } });
  const tech = () => player.tech({ IWillNotUseThisInPlugins: true });
  player.eme();
  player.on('error', () => player.error() && fail(`video.js ${player.error().code} ${player.error().message}`));
  // A license that is over is no error of video.js: its pages hear of it by this event.
  const listen = () => tech().on('keystatuschange', ({ status }) => status === 'expired' && fail(`video.js ${status}`));
  listen();
  return {
    load: url => player.src({ src: url, type: 'application/dash+xml', keySystems: adapter.keySystems(matinee) }),
    unload: () => {
      // It makes itself another element.
      player.one('playerreset', () => {
        if (element === video) video = tech().el();
        listen();
      });
      player.reset();
    },
    ahead: seconds => {
      videojs.Vhs.GOAL_BUFFER_LENGTH = seconds;
      videojs.Vhs.MAX_GOAL_BUFFER_LENGTH = seconds;
    },
    height: height => tech().vhs.representations()
      .forEach(representation => representation.enabled(representation.height == height)),
  };
};
