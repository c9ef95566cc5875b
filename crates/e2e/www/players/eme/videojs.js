// video.js with videojs-contrib-eme: https://github.com/videojs/videojs-contrib-eme
const player = videojs(video, { html5: { vhs: { overrideNative: true } } });
player.eme();
player.on('error', () => fail(`video.js ${player.error().code} ${player.error().message}`));
window.act = {
  load: url => player.src({
    src: url,
    type: 'application/dash+xml',
    keySystems: adapter.keySystems(matinee),
  }),
  height: height => player.tech({ IWillNotUseThisInPlugins: true }).vhs.representations()
    .forEach(representation => representation.enabled(representation.height == height)),
};
