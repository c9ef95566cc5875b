// What Shaka Player's software decryptor expects around it; its own source follows.
const goog = { provide() {}, require() {}, asserts: { assert() {} } };
const toUint8 = (data) => (data instanceof Uint8Array ? data : new Uint8Array(data));
const shaka = { media: {}, util: { BufferUtils: { toUint8 } } };
