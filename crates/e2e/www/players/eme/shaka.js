// Shaka Player on Matinee's key system, as `@matinee/eme/shaka` tells it.
adapter.configure(shakaPlayer, matinee);
act.unload = () => shakaPlayer.unload().catch(error => fail(inWords(error)));
// Another film in another element of the same page.
act.second = (url, movie, grant) => {
  const second = Object.assign(document.createElement('video'), { muted: true, width: 320, height: 180 });
  Object.assign(second.dataset, { matineeMovie: movie, matineeGrant: grant });
  document.body.append(second);
  window.second = second;
  const player = new shaka.Player();
  adapter.configure(player, matinee);
  player.addEventListener('error', event => fail(inWords(event.detail)));
  player.attach(second).then(() => player.load(url)).then(() => second.play()).catch(error => fail(inWords(error)));
};
