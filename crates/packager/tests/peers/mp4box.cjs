// Reads MP4 files by mp4box.js and prints what it complains about, and whatever it knows no form of; nothing
// where all is well. Each argument is FILE:SAMPLES, with how many samples there must be. `MATINEE_PLAYERS`
// names the folder in which npm installed it.
const fs = require("node:fs");
const path = require("node:path");
const { createRequire } = require("node:module");

const installed = createRequire(path.join(process.env.MATINEE_PLAYERS, "package.json"));
const { Log, createFile } = installed("mp4box");

let name = "";
const complain = (...words) => console.log(`${name}: ${words.join(" ")}`);
Log.setLogLevel(Log.LOG_LEVEL_WARNING ?? 3);
// It reads on behind what is left of this box, in everybody's files, and says so.
const own = text => text.includes("'dfLa'");
console.warn = console.error = (...words) => {
  if (!own(words.join(" "))) complain(...words);
};

function unknown(boxes, above) {
  for (const box of boxes ?? []) {
    const place = `${above}/${box.type}`;
    if (box.has_unparsed_data) complain(`${place} is unknown`);
    unknown(box.boxes, place);
  }
}

for (const argument of process.argv.slice(2)) {
  const colon = argument.lastIndexOf(":");
  const [file, samples] = [argument.slice(0, colon), Number(argument.slice(colon + 1))];
  name = path.basename(file);
  const bytes = fs.readFileSync(file);
  const content = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  content.fileStart = 0;
  const read = createFile();
  let film;
  read.onReady = info => (film = info);
  read.onError = (...words) => complain(...words);
  read.appendBuffer(content, true);
  read.flush();
  if (!film) complain("it is no film");
  else if (film.tracks.length !== 1) complain(`${film.tracks.length} tracks`);
  else if (film.tracks[0].nb_samples !== samples) complain(`${film.tracks[0].nb_samples} samples of ${samples}`);
  unknown(read.boxes, "");
}
