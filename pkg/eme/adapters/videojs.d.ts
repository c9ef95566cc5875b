import type { MatineeEme } from "../eme.js";

/** The member `keySystems` of what `player.src(…)` is given, with videojs-contrib-eme: `player.eme()` first. */
export function keySystems(matinee: MatineeEme): Record<
  "org.matinee.drm",
  { getLicense(options: unknown, challenge: BufferSource, done: (error: unknown, license?: ArrayBuffer) => void): void }
>;
