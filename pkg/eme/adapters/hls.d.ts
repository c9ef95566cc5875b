import type { MatineeEme } from "../eme.js";

/** What `new Hls(…)` is to be told, beside the page's own: `new Hls({ ...configuration(Hls, matinee), … })`. */
export function configuration(Hls: { readonly DefaultConfig: { loader: any } }, matinee: MatineeEme): {
  pLoader: any;
  emeEnabled: true;
  requestMediaKeySystemAccessFunc: any;
  drmSystems: Record<string, { licenseUrl: string }>;
  licenseXhrSetup: any;
};
