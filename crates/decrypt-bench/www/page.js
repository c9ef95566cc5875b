// Drives the worker, measures what crosses to it and back, and posts the result.

const query = new URLSearchParams(location.search);
const rounds = Number(query.get("rounds") ?? 15);
const coldRounds = Number(query.get("cold") ?? 5);

/** A worker, and a function that asks it: [answer, milliseconds there and back]. */
function start() {
  const worker = new Worker("worker.js", { type: "module" });
  const ask = (message, transfer = []) =>
    new Promise((resolve, reject) => {
      const started = performance.now();
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }) =>
        data.error ? reject(new Error(`${message.cell ?? message.kind}: ${data.error}`)) : resolve([data, performance.now() - started]);
      worker.postMessage(message, transfer);
    });
  return { worker, ask };
}

function shuffled(list) {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [out[i], out[j]] = [out[j], out[i]];
  }
  return out;
}

/** Milliseconds of one call of a cell. */
async function once(ask, cell) {
  if (!cell.crosses) {
    const [{ milliseconds }] = await ask({ kind: "run", cell: cell.id });
    return milliseconds;
  }
  const [{ bytes }] = await ask({ kind: "input", cell: cell.id });
  const [answer, milliseconds] = await ask({ kind: "cross", cell: cell.id, bytes }, [bytes]);
  if (answer.bytes.byteLength !== cell.bytes) throw new Error(`${cell.id}: ${answer.bytes.byteLength} bytes came back`);
  return milliseconds;
}

async function run() {
  const { worker, ask } = start();
  const [{ cells }] = await ask({ kind: "prepare", kernels: true });
  const times = new Map(cells.map((cell) => [cell, []]));
  for (const cell of cells) {
    await ask({ kind: "verify", cell: cell.id });
    // The compilers' last tier is reached in the background.
    for (let i = 0; i < (cell.slow ? 1 : 6); i++) await once(ask, cell);
  }
  for (let round = 0; round < rounds; round++) {
    for (const cell of shuffled(cells)) {
      if (!cell.slow || round < 3) times.get(cell).push(await once(ask, cell));
    }
  }
  worker.terminate();

  // Cold: the first segments of a new worker.
  const cold = [];
  for (let round = 0; round < coldRounds; round++) {
    for (const id of shuffled(["cenc/matinee/copy", "cenc/matinee, warmed up/copy", "cenc/aes crate/copy", "cbcs/matinee/copy", "cbcs/matinee, warmed up/copy"])) {
      const { worker, ask } = start();
      const cell = id.replace(", warmed up", "");
      await ask({ kind: "prepare", kernels: false });
      let warming = 0;
      if (cell !== id) {
        [, warming] = await ask({ kind: "warm up" });
        // The license and the first bytes take longer than this.
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const segments = [];
      for (let i = 0; i < 4; i++) segments.push((await ask({ kind: "run", cell }))[0].milliseconds);
      cold.push({ id, warming, segments });
      worker.terminate();
    }
  }
  return {
    browser: navigator.userAgent,
    cells: cells.map((cell) => ({ ...cell, milliseconds: times.get(cell) })),
    cold,
  };
}

const body = await run().then(JSON.stringify, (error) => JSON.stringify({ error: `${error}` }));
await fetch("result", { method: "POST", body });
