// A film of a Matinee in a Vue app (docs/embed.md). The element is used as it is; what is a template elsewhere is spelt
// out here, so that nothing needs to be compiled. A bundler finds the package.
import { createApp, h, ref } from "vue";

// A finger finds a button that is tall enough (WCAG 2.2, 2.5.8).
const tall = { minHeight: "2rem" };

const Film = {
  props: { movie: String, grant: String },
  emits: ["event"],
  setup(props, { emit }) {
    const film = ref(null);
    const quiet = ref(false);
    return () => h("section", { "aria-label": "Film" }, [
      h("matinee-player", {
        ref: film,
        movie: props.movie,
        grant: props.grant,
        controls: true,
        muted: quiet.value,
        "aria-label": "The film",
        onPlaying: () => emit("event", "playing"),
        onPause: () => emit("event", "pause"),
        onQualitychange: ({ detail }) => emit("event", `${detail.height} lines`),
        onError: ({ detail }) => emit("event", `${detail.code}: ${detail.message}`),
      }),
      h("button", { type: "button", style: tall, onClick: () => { quiet.value = !quiet.value; } }, quiet.value ? "Sound on" : "Sound off"),
      h("button", { type: "button", style: tall, onClick: () => { film.value.currentTime = 0; } }, "From the beginning"),
    ]);
  },
};

const App = {
  props: { movie: String, grant: String },
  setup(props) {
    const shown = ref(true);
    const events = ref([]);
    return () => h("div", [
      shown.value && h(Film, { ...props, onEvent: (event) => events.value.push(event) }),
      h("button", { type: "button", style: tall, onClick: () => { shown.value = !shown.value; } },
        shown.value ? "Close the film" : "Show the film"),
      h("p", h("output", events.value.join(" · "))),
    ]);
  },
};

const place = document.getElementById("app");
createApp(App, { ...place.dataset }).mount(place);
