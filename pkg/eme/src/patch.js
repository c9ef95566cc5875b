// What the browser's objects say instead.

// Replaces a method; `act` gets what was there before.
export function method(of, name, act) {
  const before = of?.[name];
  if (typeof before === "function") {
    Object.defineProperty(of, name, {
      configurable: true, enumerable: true, writable: true,
      value(...all) {
        return act.call(this, (...them) => before.apply(this, them), ...all);
      },
    });
  }
  return before;
}

// Replaces a property's accessors; they get what was there before.
export function property(of, name, { get, set }) {
  const before = of && Object.getOwnPropertyDescriptor(of, name);
  if (before?.get) {
    Object.defineProperty(of, name, {
      ...before,
      get: get ? function () { return get.call(this, () => before.get.call(this)); } : before.get,
      set: before.set && (set ? function (value) { set.call(this, (it) => before.set.call(this, it), value); } : before.set),
    });
  }
  return before;
}
