// The media source of the site's player, where the browser has them in workers: it stands beside the DRM module, so that
// clear fragments stay in here. The page gets a handle for its video element, says what is to be done, and hears what
// has become of it; the crate drm-api (`source`) has the messages. Whatever the module hands out of a stream that has a
// source buffer goes into that, in the order in which it came, and not to the page.

// Container and codec without profile and level: while these stay, an init segment is all that a source buffer needs.
const family = (type) => `${type.split(";", 1)[0]} ${type.split('"')[1]?.split(".", 1)[0]}`;

// Operations of one source buffer, one after the other. The page has the like for its own (`mse/append_queue.rs`).
class Queue {
  #buffer;
  #type;
  #tell;
  #over;
  #operations = [];
  #isBusy = false;
  #isHeld = false; // what did not fit waits to be tried again
  turn = 0; // how often all that had not begun was dropped
  announced; // the type of the next init segment

  // `over` is called when an operation is.
  constructor(source, type, tell, over) {
    this.#buffer = source.addSourceBuffer(type);
    this.#type = this.announced = type;
    this.#tell = tell;
    this.#over = over;
    this.#buffer.addEventListener("updateend", () => this.#ended());
    this.#buffer.addEventListener("error", () => tell("failed", {}));
  }

  get isIdle() {
    return !this.#isBusy && this.#operations.length === 0;
  }

  append(bytes) {
    this.#operations.push({ append: (buffer) => buffer.appendBuffer(bytes) });
    this.#run();
  }

  appendInit(bytes, type) {
    if (family(type) !== family(this.#type)) {
      this.#operations.push({ change: (buffer) => buffer.changeType(type) });
      this.#type = type;
    }
    this.append(bytes);
  }

  mark(mark) {
    this.#operations.push({ mark });
    this.#run();
  }

  // Before anything that still waits: room is wanted for that.
  remove(start, end) {
    this.#operations.unshift({ remove: (buffer) => buffer.remove(start, end) });
    this.#run();
  }

  // Drops every append and mark that has not begun. Changes of type stay: what comes goes by them already.
  reset(turn) {
    this.turn = turn;
    this.#operations = this.#operations.filter(({ remove, change }) => remove || change);
    this.retry();
  }

  retry() {
    this.#isHeld = false;
    this.#run();
  }

  close() {
    this.#operations = [];
    this.#tell = this.#over = () => {};
  }

  #ended() {
    this.#isBusy = false;
    this.#tell("buffered", { ranges: this.#ranges() });
    this.#run();
    this.#over();
  }

  #ranges() {
    try {
      const { buffered } = this.#buffer;
      return Array.from({ length: buffered.length }, (_, at) => [buffered.start(at), buffered.end(at)]);
    } catch {
      return []; // of a source that was taken off its element
    }
  }

  #run() {
    while (!this.#isBusy && this.#operations.length > 0 && !(this.#isHeld && !this.#operations[0].remove)) {
      const operation = this.#operations.shift();
      if ("mark" in operation) {
        this.#tell("appended", { mark: operation.mark });
        continue;
      }
      const { append, remove, change } = operation;
      try {
        (append ?? remove ?? change)(this.#buffer);
        this.#isBusy = !change; // which is over at once
      } catch (error) {
        if (error.name === "QuotaExceededError") {
          this.#operations.unshift(operation);
          this.#isHeld = true;
          this.#tell("full", { turn: this.turn });
        } else {
          this.#operations = [];
          this.#tell("refused", { name: error.name });
        }
      }
    }
  }
}

// Puts itself between a worker's DRM module and its page. The module is to listen by `scope.onmessage`, set after this,
// and to answer by `scope.postMessage`.
export function holdSources(scope) {
  const post = scope.postMessage.bind(scope);
  const films = new Map(); // by the source's number: {source, queues, isEnding}
  const queues = new Map(); // by the stream's number; null where the source buffer was refused
  // Requests whose answers bring clear bytes, by id: for which stream, in which turn, and of an init segment its type;
  // then what decrypting took that the page has not been told of.
  const clear = new Map();
  // Requests that end all that a stream has under way, by id: for which stream.
  const ends = new Map();

  const tell = (source, news) => post({ event: { source: { source, news } } });

  function endIfIdle(number) {
    const film = films.get(number);
    if (film?.isEnding && film.queues.every((stream) => queues.get(stream)?.isIdle ?? true)) {
      film.isEnding = false;
      try {
        film.source.endOfStream();
      } catch {
        // It has ended already, or is not on an element any more.
      }
      tell(number, { ended: { duration: film.source.duration } });
    }
  }

  // What the page may ask for. What is returned answers it, if it has an id: a reply, and what is transferred along.
  const ACTS = {
    attach({ source: number }) {
      if (!scope.MediaSource?.canConstructInDedicatedWorker) {
        return [{ Err: { unsupported: { what: "MediaSource in workers" } } }];
      }
      const source = new MediaSource();
      source.addEventListener("sourceopen", () => tell(number, "opened"), { once: true });
      films.set(number, { source, queues: [], isEnding: false });
      return [{ Ok: "attached" }, source.handle];
    },
    "set-duration"({ source: number, seconds }) {
      const { source } = films.get(number);
      if (source.readyState === "open") {
        source.duration = seconds ?? Infinity;
      }
    },
    "set-live-range"({ source: number, begin, edge }) {
      const { source } = films.get(number);
      if (source.readyState === "open") {
        source.setLiveSeekableRange(begin, edge);
      }
    },
    "add-buffer"({ source: number, stream, mime }) {
      const { source, queues: own } = films.get(number);
      const news = (name, what) => tell(number, { [name]: { stream, ...what } });
      own.push(stream);
      // Where this is refused, what comes of the stream is for nobody, until the page has closed the film.
      queues.set(stream, null);
      queues.set(stream, new Queue(source, mime, news, () => endIfIdle(number)));
    },
    announce({ stream, mime }) {
      queues.get(stream).announced = mime;
    },
    mark: ({ stream, mark }) => queues.get(stream).mark(mark),
    remove: ({ stream, start, end }) => queues.get(stream).remove(start, end),
    reset: ({ stream, turn }) => queues.get(stream).reset(turn),
    retry: ({ stream }) => queues.get(stream).retry(),
    end({ source: number, wanted }) {
      films.get(number).isEnding = wanted;
      endIfIdle(number);
    },
    detach({ source: number }) {
      for (const stream of films.get(number)?.queues ?? []) {
        queues.get(stream)?.close();
        queues.delete(stream);
      }
      films.delete(number);
    },
  };

  function act(id, request) {
    let answer;
    try {
      answer = ACTS[request.type](request);
    } catch (error) {
      // A source that is not there any more, or a type that is not known.
      answer = [{ Err: { state: { what: `a media source: ${error.name}` } } }];
    }
    if (id !== undefined) {
      const [reply, handle] = answer ?? [{ Ok: "done" }];
      post({ id, reply, handle }, handle ? [handle] : []);
    }
  }

  scope.addEventListener("message", (event) => {
    const { id, source, cdm } = event.data ?? {};
    if (source) {
      event.stopImmediatePropagation();
      act(id, source);
      return;
    }
    if (!queues.has(cdm?.stream)) {
      return;
    }
    if (cdm.type === "drop" || cdm.type === "close-stream") {
      ends.set(id, cdm.stream);
    } else if (!clear.has(id) && (cdm.type === "push" || cdm.type === "prepare-init")) {
      const { turn, announced } = queues.get(cdm.stream) ?? {};
      clear.set(id, { stream: cdm.stream, turn, type: cdm.type === "push" ? null : announced });
    }
  });

  scope.postMessage = (message, transfer) => {
    const { id, reply, bytes, took = 0 } = message;
    const to = clear.get(id);
    if (!to) {
      // The module has answered what was under way; what is left came behind a segment's end, and is not answered.
      for (const [left, { stream }] of ends.has(id) ? clear : []) {
        if (stream === ends.get(id)) {
          clear.delete(left);
        }
      }
      ends.delete(id);
      post(message, transfer);
      return;
    }
    const ok = reply.Ok;
    const isPart = ok === "fragment" || ok?.["need-key"] !== undefined;
    if (!isPart) {
      clear.delete(id);
    }
    const queue = queues.get(to.stream);
    // What was under way when the viewer sought elsewhere is of no use any more.
    if (bytes && queue && queue.turn === to.turn) {
      if (to.type === null) {
        queue.append(bytes);
      } else {
        queue.appendInit(bytes, to.type);
      }
    }
    if (ok === "fragment") {
      to.took = (to.took ?? 0) + took;
      to.octets = (to.octets ?? 0) + bytes.byteLength;
    } else {
      post({ id, reply, took: to.took, octets: to.octets });
      to.took = to.octets = undefined;
    }
  };
}
