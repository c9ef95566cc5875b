import type { MatineeEme } from "../eme.js";

/** Tells a `shaka.Player` of Matinee's key system, before `load`. DASH. */
export function configure(
  player: {
    configure(config: object): unknown;
    getNetworkingEngine(): { registerRequestFilter(filter: (type: number, request: any, ...rest: any[]) => any): unknown } | null;
  },
  matinee: MatineeEme,
): void;
