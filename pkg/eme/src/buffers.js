// Between a SourceBuffer and its caller.

import { state } from "./errors.js";
import { Gate } from "./gate.js";
import { method, property } from "./patch.js";

const gates = new WeakMap(); // SourceBuffer → Gate

const gatesOf = (source) => Array.from(source.sourceBuffers, (buffer) => gates.get(buffer)).filter(Boolean);
const allIdle = (source) => {
  if (gatesOf(source).some((gate) => gate.busy)) {
    throw state("A buffer is updating.");
  }
};

export function standBetween() {
  const Source = MediaSource.prototype;
  const Buffer = SourceBuffer.prototype;
  method(Source, "addSourceBuffer", function (before, type) {
    const buffer = before(type);
    gates.set(buffer, new Gate(buffer, this, String(type)));
    return buffer;
  });
  method(Source, "removeSourceBuffer", function (before, buffer) {
    before(buffer);
    gates.get(buffer)?.close();
  });
  method(Source, "endOfStream", function (before, ...reason) {
    allIdle(this);
    const late = gatesOf(this).filter((gate) => gate.isLate);
    if (late.length === 0) {
      before(...reason);
      return;
    }
    Promise.all(late.map((gate) => gate.flush())).then(() => this.readyState === "open" && before(...reason)).catch(() => {});
  });
  property(Source, "duration", {
    set(before, seconds) {
      allIdle(this);
      before(seconds);
    },
  });
  method(Buffer, "appendBuffer", function (before, data) {
    const gate = gates.get(this);
    return gate ? gate.append(data) : before(data);
  });
  method(Buffer, "abort", function (before) {
    const gate = gates.get(this);
    return gate ? gate.abort(before) : before();
  });
  method(Buffer, "remove", function (before, from, to) {
    const gate = gates.get(this);
    return gate ? gate.remove(before, from, to) : before(from, to);
  });
  method(Buffer, "changeType", function (before, type) {
    const gate = gates.get(this);
    if (gate?.busy) {
      throw state("The buffer is updating.");
    }
    before(type);
    gate?.changed(String(type));
  });
  property(Buffer, "updating", {
    get(before) {
      const gate = gates.get(this);
      return Boolean(gate?.busy) || before();
    },
  });
  for (const name of ["timestampOffset", "appendWindowStart", "appendWindowEnd", "mode"]) {
    property(Buffer, name, {
      set(before, value) {
        const gate = gates.get(this);
        if (gate?.busy) {
          throw state("The buffer is updating.");
        }
        if (gate?.isLate && this[name] !== value) {
          throw state("Bytes are waiting for room that were appended before.");
        }
        before(value);
      },
    });
  }
}
