// hls.js on Matinee's key system, as `@matinee/eme/hls` tells it.
act.unload = () => hls.destroy();
act.load = url => {
  hls = new Hls(adapter.configuration(Hls, matinee));
  hls.on(Hls.Events.ERROR, (_, error) => {
    const said = error.networkDetails?.response;
    if (error.fatal) fail(`hls.js ${error.details} ${error.error?.message} ${said ? new TextDecoder().decode(said) : ''}`);
  });
  hls.attachMedia(video);
  hls.loadSource(url);
};
