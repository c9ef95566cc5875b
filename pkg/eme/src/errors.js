// What goes wrong, as players hear of it.

// A DOMException whose message is the JSON of Matinee's routes, and whose name is the code: some players show the one,
// some the other.
export const failure = (error) => new DOMException(JSON.stringify({ error }), error.code === "ABORTED" ? "AbortError" : error.code);

// The same of what a server has answered.
export const said = (text, otherwise) => {
  try {
    const { error } = JSON.parse(text);
    return failure({ ...error, code: String(error.code) });
  } catch {
    return new DOMException(text || otherwise, "OperationError");
  }
};

export const state = (what) => new DOMException(what, "InvalidStateError");
