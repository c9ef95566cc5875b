import "./eme.js";

export const eme = globalThis.Matinee.eme;
export const install = eme;
