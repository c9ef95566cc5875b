import type { MatineeEme } from "../eme.js";

/** Tells a `dashjs.MediaPlayer` of Matinee's key system: after `initialize(video, null, …)`, before `attachSource`. */
export function configure(
  player: { setProtectionData(data: any): unknown; getProtectionController(): any },
  matinee: MatineeEme,
): void;
