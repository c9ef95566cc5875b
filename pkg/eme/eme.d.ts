/** How films of a Matinee are to be played. */
export interface MatineeEmeOptions {
  /** The Matinee's address: `https://films.example`. Its frame is `/cdm`, its licenses come from `/license`. */
  server?: string;
  /** The frame's address, where it is another. */
  frame?: string;
  /**
   * The film's number, where the media element has no `data-matinee-movie`. Without it the film is the one that the
   * init data names (content id `movie/N`), or the one that the grant is for, if it is for one alone.
   */
  movie?: number | string;
  /** What the site's backend got from `POST /api/grants`, where the media element has no `data-matinee-grant`. */
  grant?: string;
  /** Asked for a grant when there is none, or when the last one is over. */
  grantcallback?: () => Promise<string>;
  /** There is none to give: a ticket is bound to its device's keys, and the frame's are its own. Throws without a grant. */
  ticket?: never;
  /** Other key systems to stand in for, for players that know no other names: `["com.widevine.alpha"]`. */
  impersonate?: readonly string[];
}

export interface MatineeEme {
  readonly server: string;
  readonly frame: string;
  /** Where players ask for licenses. */
  readonly licenseUrl: string;
  /**
   * What goes along with this challenge (a `message`): `Content-Type` and `X-CTicket`. Each grant has a ticket of its own.
   */
  headersFor(challenge: BufferSource): Readonly<Record<string, string>>;
  /** What goes along with the last challenge, for pages with one film: from the first `message` on with `X-CTicket`. */
  readonly headers: Readonly<Record<string, string>>;
  movie?: number | string;
  grant?: string;
  grantcallback?: () => Promise<string>;
  /**
   * Asks for a license by a challenge (a `message`), for players without hooks for headers.
   * Rejects with a `DOMException` whose message is what the server said, `{"error":{"code":…,"message":…}}`, and whose
   * name is the code.
   */
  fetchLicense(challenge: BufferSource, init?: RequestInit): Promise<ArrayBuffer>;
  /** The same. */
  fetch(challenge: BufferSource, init?: RequestInit): Promise<ArrayBuffer>;
}

/**
 * The key system `org.matinee.drm` is there from now on. The script has to be loaded before the player's. A second call
 * for the same frame changes the members that it gives, and what plays goes on.
 */
export function eme(options?: MatineeEmeOptions): MatineeEme;
export { eme as install };

declare global {
  // eslint-disable-next-line no-var
  var Matinee: { eme: typeof eme };
}
