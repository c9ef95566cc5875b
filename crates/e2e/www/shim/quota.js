// A browser whose source buffers hold 1 MB, for a page that loads this before the shim.
const QUOTA = 1_000_000;
const held = new WeakMap(); // SourceBuffer → [{end, size}], in the order in which they were appended
const sizeOf = buffer => (held.get(buffer) ?? []).reduce((sum, { size }) => sum + size, 0);
const endOf = ({ buffered }) => (buffered.length ? buffered.end(buffered.length - 1) : 0);
const append = SourceBuffer.prototype.appendBuffer;
SourceBuffer.prototype.appendBuffer = function (bytes) {
  if (sizeOf(this) + bytes.byteLength > QUOTA) {
    window.quotaErrors = (window.quotaErrors ?? 0) + 1;
    throw new DOMException("The buffer is full.", "QuotaExceededError");
  }
  append.call(this, bytes);
  this.addEventListener("updateend", () => {
    held.set(this, [...(held.get(this) ?? []), { end: endOf(this), size: bytes.byteLength }]);
  }, { once: true, capture: true });
};
const remove = SourceBuffer.prototype.remove;
SourceBuffer.prototype.remove = function (from, to) {
  remove.call(this, from, to);
  held.set(this, (held.get(this) ?? []).filter(({ end }) => end <= from || end > to + 0.001));
};
