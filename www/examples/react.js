// A film of a Matinee in a React app (docs/embed.md). The element is used as it is; what is JSX elsewhere is spelt out
// here, so that nothing needs to be compiled. A bundler finds the two packages.
import { StrictMode, createElement as create, useRef, useState } from "react";
import { createRoot } from "react-dom/client";

// A finger finds a button that is tall enough (WCAG 2.2, 2.5.8).
const tall = { minHeight: "2rem" };

function Film({ movie, grant, onEvent }) {
  const film = useRef(null);
  const [quiet, setQuiet] = useState(false);
  return create("section", { "aria-label": "Film" },
    create("matinee-player", {
      ref: film,
      movie,
      grant,
      controls: true,
      muted: quiet,
      "aria-label": "The film",
      // Events by their own names, in small letters: with a capital, React means those of its own elements.
      onplaying: () => onEvent("playing"),
      onpause: () => onEvent("pause"),
      onqualitychange: ({ detail }) => onEvent(`${detail.height} lines`),
      onerror: ({ detail }) => onEvent(`${detail.code}: ${detail.message}`),
    }),
    create("button", { type: "button", style: tall, onClick: () => setQuiet(!quiet) }, quiet ? "Sound on" : "Sound off"),
    create("button", { type: "button", style: tall, onClick: () => { film.current.currentTime = 0; } }, "From the beginning"));
}

function App({ movie, grant }) {
  const [shown, setShown] = useState(true);
  const [events, setEvents] = useState([]);
  const note = (event) => setEvents((before) => [...before, event]);
  return create("div", null,
    shown && create(Film, { movie, grant, onEvent: note }),
    create("button", { type: "button", style: tall, onClick: () => setShown(!shown) }, shown ? "Close the film" : "Show the film"),
    create("p", null, create("output", null, events.join(" · "))));
}

const place = document.getElementById("app");
createRoot(place).render(create(StrictMode, null, create(App, { ...place.dataset })));
