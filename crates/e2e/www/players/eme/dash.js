// dash.js on Matinee's key system, as `@matinee/eme/dash` tells it.
act.unload = () => dash.reset();
act.load = url => {
  dash.initialize(video, null, false);
  adapter.configure(dash, matinee);
  dash.attachSource(url);
};
