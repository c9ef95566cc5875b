// What is measured: cells of { id, bytes, run } over the same data, in groups by the first part of their ids.

import initialize, { Bench, warm_up } from "./decrypt_bench.js";
import { AESDecryptor } from "./hls.js";
import { cbc, ctr } from "./noble/aes.js";
import { ClearKeyWebCryptoDecryptor as Shaka } from "./shaka.js";

let memory;
// Not awaited here: a message that came before `onmessage` is set would be lost.
const ready = initialize().then((module) => (memory = module.memory));
const subtle = crypto.subtle;
const SIZES = [208, 4096, 262144, 4194304];
const SLICE = 262144;
const keyBytes = Uint8Array.from({ length: 16 }, (_, i) => 17 * i + 3);

/** Bytes that are the same in each run, and hard to compress (Marsaglia's xorshift). */
function noise(length, seed) {
  const words = new Uint32Array(Math.ceil(length / 4));
  let x = seed;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer, 0, length);
}

/**
 * 4 s of video at 8.6 Mbit/s: 100 samples, two subsamples in each, every 25th sample eight times as large as
 * the others.
 */
function segment(scheme) {
  const samples = [];
  let at = 0;
  for (let i = 0; i < 100; i++) {
    const size = i % 25 === 0 ? 268160 : 33520 + 16 * ((i * 37) % 23);
    const first = 16 * Math.floor(size / 80);
    const subsamples = [
      { clear: 120 + (i % 7), bytes: first },
      { clear: 40, bytes: size - first },
    ];
    const iv = new Uint8Array(16);
    if (scheme === "cenc") new DataView(iv.buffer).setUint32(4, 1000 + i);
    else iv.fill(0xa5);
    const sample = { offset: at, subsamples, iv };
    sample.size = subsamples.reduce((sum, s) => sum + s.clear + s.bytes, 0);
    at += sample.size;
    samples.push(sample);
  }
  return { samples, length: at };
}

/** Protected ranges of a segment: what the modules take. */
function ranges(scheme, samples) {
  const out = [];
  for (const { offset, subsamples, iv } of samples) {
    let at = offset;
    let used = 0;
    for (const { clear, bytes } of subsamples) {
      at += clear;
      const block = iv.slice();
      if (scheme === "cenc") new DataView(block.buffer).setUint32(12, Math.floor(used / 16));
      out.push({ offset: at, bytes, iv: block, skip: scheme === "cenc" ? used % 16 : 0 });
      at += bytes;
      used += bytes;
    }
  }
  return out;
}

const numbers = (list) => Uint32Array.from(list.flatMap(({ offset, bytes, skip }) => [offset, bytes, skip]));
const ivs = (list) => Uint8Array.from(list.flatMap(({ iv }) => [...iv]));

const cells = new Map();
let warm = () => {};

/**
 * `verify` gives the decrypted bytes, where they are not `run`'s result. `repeat`: calls in one measurement.
 */
function cell(id, bytes, run, options = {}) {
  cells.set(id, { id, bytes, run, repeat: 1, ...options });
}

function equal(a, b) {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

async function prepare(kernels) {
  const [aesCtr, aesCbc] = await Promise.all(
    ["AES-CTR", "AES-CBC"].map((name) => subtle.importKey("raw", keyBytes, name, false, ["encrypt", "decrypt"])),
  );
  // Makes any sequence of blocks end in valid padding: a block of zeros, then this.
  const padding = new Uint8Array(await subtle.encrypt({ name: "AES-CBC", iv: new Uint8Array(16) }, aesCbc, new Uint8Array(0)));
  const decryptCbc = async (iv, blocks) => {
    const padded = new Uint8Array(blocks.length + 32);
    padded.set(blocks);
    padded.set(padding, blocks.length + 16);
    return new Uint8Array(await subtle.decrypt({ name: "AES-CBC", iv }, aesCbc, padded), 0, blocks.length);
  };
  const hls = new AESDecryptor();
  hls.expandKey(keyBytes.slice().buffer);

  // Kernels: one buffer, one IV; the modules in place, the others into fresh memory, as their interfaces are.
  const iv = new Uint8Array(16);
  for (const size of kernels ? SIZES : []) {
    const plain = noise(size, size);
    const bench = new Bench(size, keyBytes);
    const view = () => new Uint8Array(memory.buffer, bench.address(), size);
    bench.set_spans(Uint32Array.of(0, size, 0), iv);
    const repeat = Math.max(1, Math.floor(262144 / size));
    const few = Math.min(repeat, 24);

    const byCtr = new Uint8Array(await subtle.encrypt({ name: "AES-CTR", counter: iv, length: 64 }, aesCtr, plain));
    const inPlace = (data, run) => async () => {
      view().set(data);
      run();
      return view().slice();
    };
    for (const [name, run] of [["matinee", () => bench.ours_ctr()], ["aes crate", () => bench.theirs_ctr()]]) {
      cell(`CTR ${size}/${name}`, size, run, { repeat, plain, verify: inPlace(byCtr, run) });
    }
    const one = async (data, counter) => new Uint8Array(await subtle.decrypt({ name: "AES-CTR", counter, length: 64 }, aesCtr, data));
    cell(`CTR ${size}/WebCrypto, one call`, size, () => one(byCtr, iv), { repeat: few, plain });
    if (size > SLICE) {
      const slices = async () => {
        const out = new Uint8Array(size);
        for (let at = 0; at < size; at += SLICE) {
          const counter = new Uint8Array(16);
          new DataView(counter.buffer).setUint32(12, at / 16);
          out.set(await one(byCtr.subarray(at, at + SLICE), counter), at);
        }
        return out;
      };
      cell(`CTR ${size}/WebCrypto, slices of 256 KiB`, size, slices, { plain });
    }
    cell(`CTR ${size}/@noble/ciphers`, size, () => ctr(keyBytes, iv).decrypt(byCtr), { repeat: few, plain });

    const byCbc = new Uint8Array(await subtle.encrypt({ name: "AES-CBC", iv }, aesCbc, plain)).slice(0, size);
    for (const [name, run] of [["matinee", () => bench.ours_cbc(1, 0)], ["aes crate", () => bench.theirs_cbc(1, 0)]]) {
      cell(`CBC ${size}/${name}`, size, run, { repeat, plain, verify: inPlace(byCbc, run) });
    }
    const padded = new Uint8Array(size + 32);
    padded.set(byCbc);
    padded.set(padding, size + 16);
    const whole = async () => new Uint8Array(await subtle.decrypt({ name: "AES-CBC", iv }, aesCbc, padded), 0, size);
    cell(`CBC ${size}/WebCrypto, one call`, size, whole, { repeat: few, plain });
    if (size > SLICE) {
      const slices = async () => {
        const out = new Uint8Array(size);
        for (let at = 0; at < size; at += SLICE) {
          out.set(await decryptCbc(at ? byCbc.subarray(at - 16, at) : iv, byCbc.subarray(at, at + SLICE)), at);
        }
        return out;
      };
      cell(`CBC ${size}/WebCrypto, slices of 256 KiB`, size, slices, { plain });
    }
    cell(`CBC ${size}/hls.js`, size, () => new Uint8Array(hls.decrypt(byCbc.buffer, 0, iv.buffer)), { repeat: few, plain });
    cell(`CBC ${size}/@noble/ciphers`, size, () => cbc(keyBytes, iv, { disablePadding: true }).decrypt(byCbc), { repeat: few, plain });

    if (size === 4194304) {
      const cross = (bytes) => {
        view().set(bytes);
        bench.ours_cbc(1, 0);
        return view().slice();
      };
      const crosses = { crosses: true, plain, data: byCbc };
      cell("page to page, CBC 4 MiB/matinee", size, cross, crosses);
      cell("page to page, CBC 4 MiB/hls.js", size, (bytes) => new Uint8Array(hls.decrypt(bytes.buffer, 0, iv.buffer)), crosses);
    }
  }

  for (const scheme of ["cenc", "cbcs"]) {
    const { samples, length } = segment(scheme);
    const list = ranges(scheme, samples);
    const plain = noise(length, 7);
    const bench = new Bench(length, keyBytes);
    const view = () => new Uint8Array(memory.buffer, bench.address(), length);
    const isCtr = scheme === "cenc";
    bench.set_spans(numbers(list), ivs(list));
    view().set(plain);
    if (isCtr) bench.theirs_ctr();
    else bench.encrypt_cbc(1, 9);
    const data = view().slice();

    const ours = isCtr ? () => bench.ours_ctr() : () => bench.ours_cbc(1, 9);
    const theirs = isCtr ? () => bench.theirs_ctr() : () => bench.theirs_cbc(1, 9);
    for (const [name, run] of [["matinee", ours], ["aes crate", theirs]]) {
      const seen = (bytes) => {
        view().set(bytes);
        run();
        return view();
      };
      const copied = (bytes) => seen(bytes).slice();
      cell(`${scheme}/${name}/view`, length, () => seen(data), { plain });
      cell(`${scheme}/${name}/copy`, length, () => copied(data), { plain });
      cell(`page to page, ${scheme}/${name}`, length, copied, { crosses: true, plain, data });
    }

    // A sample's protected bytes, gathered for one call: all in CTR; by range, the pattern's blocks in CBC.
    const gathered = isCtr
      ? samples.map((sample, i) => ({ iv: sample.iv, pieces: [list[2 * i], list[2 * i + 1]] }))
      : list.map((range) => {
          const pieces = [];
          for (let at = 0; at + 16 <= range.bytes; at += 160) pieces.push({ offset: range.offset + at, bytes: 16 });
          return { iv: range.iv, pieces };
        });
    for (const call of gathered) call.length = call.pieces.reduce((sum, { bytes }) => sum + bytes, 0);
    const gather = (bytes, { pieces }, into, at) => {
      for (const { offset, bytes: length } of pieces) {
        into.set(bytes.subarray(offset, offset + length), at);
        at += length;
      }
      return at;
    };
    const scatter = (from, at, { pieces }, out) => {
      for (const { offset, bytes: length } of pieces) {
        out.set(from.subarray(at, at + length), offset);
        at += length;
      }
      return at;
    };
    const decrypt = isCtr
      ? async (call, input) => new Uint8Array(await subtle.decrypt({ name: "AES-CTR", counter: call.iv, length: 64 }, aesCtr, input))
      : (call, input) => decryptCbc(call.iv, input);
    const single = async (bytes, call, out) => {
      const input = new Uint8Array(call.length);
      gather(bytes, call, input, 0);
      scatter(await decrypt(call, input), 0, call, out);
    };
    const serial = async (bytes) => {
      const out = bytes.slice();
      for (const call of gathered) await single(bytes, call, out);
      return out;
    };
    const together = async (bytes) => {
      const out = bytes.slice();
      await Promise.all(gathered.map((call) => single(bytes, call, out)));
      return out;
    };
    const per = isCtr ? "sample" : "range";
    cell(`${scheme}/WebCrypto per ${per}, serial`, length, () => serial(data), { plain });
    cell(`${scheme}/WebCrypto per ${per}, Promise.all`, length, () => together(data), { plain });
    cell(`page to page, ${scheme}/WebCrypto per ${per}, serial`, length, serial, { crosses: true, plain, data });
    cell(`page to page, ${scheme}/WebCrypto per ${per}, Promise.all`, length, together, { crosses: true, plain, data });
    if (!isCtr) {
      // All in one: each range's IV as a block before it.
      const total = gathered.reduce((sum, call) => sum + 16 + call.length, 0);
      const oneCall = async () => {
        const input = new Uint8Array(total);
        let at = 0;
        for (const call of gathered) {
          input.set(call.iv, at);
          at = gather(data, call, input, at + 16);
        }
        const clear = await decryptCbc(iv, input);
        const out = data.slice();
        at = 0;
        for (const call of gathered) at = scatter(clear, at + 16, call, out);
        return out;
      };
      cell(`${scheme}/WebCrypto, one call`, length, oneCall, { plain });
    } else {
      const noble = () => {
        const out = data.slice();
        for (const call of gathered) {
          const input = new Uint8Array(call.length);
          gather(data, call, input, 0);
          scatter(ctr(keyBytes, call.iv).decrypt(input), 0, call, out);
        }
        return out;
      };
      cell(`${scheme}/@noble/ciphers`, length, noble, { plain });
    }
    const shaka = new Shaka();
    const senc = {
      samples: samples.map(({ iv, subsamples }) => ({
        iv,
        subsamples: subsamples.map(({ clear, bytes }) => ({ clearBytes: clear, encryptedBytes: bytes })),
      })),
    };
    const info = {
      defaultIVSize: isCtr ? 8 : 0,
      defaultConstantIV: isCtr ? null : samples[0].iv,
      defaultCryptByteBlock: isCtr ? 0 : 1,
      defaultSkipByteBlock: isCtr ? 0 : 9,
    };
    const sizes = samples.map(({ size }) => size);
    const byShaka = () => shaka.decryptMdat_(data, sizes, senc, info, { ctr: aesCtr, cbc: aesCbc }, scheme);
    // In cbcs it chains over subsamples: what comes out is not what went in.
    cell(`${scheme}/Shaka Player`, length, byShaka, { plain: isCtr ? plain : undefined, slow: !isCtr });
  }

  // What each encryption level leaves to do of one segment: all samples, those that others refer to, those
  // that stand alone.
  const { samples, length } = segment("cenc");
  const plain = noise(length, 7);
  const levels = { high: () => true, medium: (i) => i % 25 === 0 || i % 2 === 0, low: (i) => i % 25 === 0 };
  for (const [level, isProtected] of Object.entries(levels)) {
    const bench = new Bench(length, keyBytes);
    const view = () => new Uint8Array(memory.buffer, bench.address(), length);
    const list = ranges("cenc", samples.filter((_, i) => isProtected(i)));
    bench.set_spans(numbers(list), ivs(list));
    view().set(plain);
    bench.theirs_ctr();
    const data = view().slice();
    const run = (bytes) => {
      view().set(bytes);
      bench.ours_ctr();
      return view();
    };
    cell(`level/matinee, ${level}`, length, () => run(data), { plain });
  }
  warm = () => warm_up();
}

const actions = {
  prepare: async ({ kernels }) => {
    await prepare(kernels);
    const plain = ({ id, bytes, slow = false, crosses = false }) => ({ id, bytes, slow, crosses });
    return [{ cells: [...cells.values()].map(plain) }];
  },
  "warm up": () => (warm(), [{}]),
  verify: async ({ cell: id }) => {
    const { run, verify, plain, crosses, data } = cells.get(id);
    const out = verify ? await verify() : crosses ? await run(data.slice()) : await run();
    if (plain && !equal(out, plain)) throw new Error("decrypts wrongly");
    return [{}];
  },
  run: async ({ cell: id }) => {
    const { run, repeat } = cells.get(id);
    const started = performance.now();
    for (let i = 0; i < repeat; i++) {
      const result = run();
      if (result instanceof Promise) await result;
    }
    return [{ milliseconds: (performance.now() - started) / repeat }];
  },
  input: ({ cell: id }) => {
    const bytes = cells.get(id).data.slice().buffer;
    return [{ bytes }, [bytes]];
  },
  cross: async ({ cell: id, bytes }) => {
    const out = await cells.get(id).run(new Uint8Array(bytes));
    return [{ bytes: out.buffer }, [out.buffer]];
  },
};

onmessage = async ({ data }) => {
  try {
    await ready;
    const [answer, transfer = []] = await actions[data.kind](data);
    postMessage(answer, transfer);
  } catch (error) {
    postMessage({ error: `${error}` });
  }
};
