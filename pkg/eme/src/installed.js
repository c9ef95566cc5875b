// What a page installs: which Matinee, which film, and by which grants its licenses are asked for.

import { failure, said } from "./errors.js";
import { movieOf } from "./init-data.js";
import { Link, display } from "./link.js";
import { hex, octetsOf } from "./octets.js";

// The key system's name.
const NAME = "org.matinee.drm";
// So many challenges are remembered with their tickets.
const CHALLENGES = 32;

// The one that counts now; null until a page has installed one.
export let installed = null;

export const isOurs = (name) => Boolean(installed?.names.includes(name));

class Installed {
  // Film and grant of licenses, where a media element has no `data-matinee-movie` and `data-matinee-grant`. Without a
  // film it is the one that the init data names, or the one that the grant is for.
  movie;
  grant;
  grantcallback;
  #ticket = null; // the last one
  #tickets = new Map(); // by challenge
  #link = null;

  constructor({ server, frame, ...members }) {
    this.server = new URL(server ?? frame ?? location.href, location.href).origin;
    this.frame = frame ?? `${this.server}/cdm`;
    this.names = [NAME];
    this.change(members);
  }

  // What is not given stays as it is.
  change({ movie, grant, grantcallback, impersonate }) {
    this.movie = movie ?? this.movie;
    this.grant = grant ?? this.grant;
    this.grantcallback = grantcallback ?? this.grantcallback;
    this.names = impersonate ? [NAME, ...impersonate] : this.names;
  }

  // One that has failed is followed by another, at the next question.
  get link() {
    this.#link ??= new Link(this.frame, () => {
      this.#link = null;
    });
    return this.#link;
  }

  // Where licenses are asked for.
  get licenseUrl() {
    return `${this.server}/license`;
  }

  // What has to go with the last challenge, once there is one (`message`).
  get headers() {
    return this.headersFor();
  }

  // What has to go with this challenge. Each grant has a ticket of its own.
  headersFor(challenge) {
    const ticket = this.#tickets.get(nameOf(challenge))?.ticket ?? this.#ticket;
    return { "Content-Type": "application/cose", ...(ticket ? { "X-CTicket": ticket } : {}) };
  }

  // Asks for a license, for players and pages without hooks of their own.
  async fetchLicense(challenge, init = {}) {
    const headers = { ...this.headersFor(challenge), ...init.headers };
    const answer = await fetch(this.licenseUrl, { ...init, method: "POST", body: challenge, headers });
    if (!answer.ok) {
      const thrown = said(await answer.text(), `The license server answered ${answer.status}.`);
      this.refused(challenge, thrown);
      throw thrown;
    }
    return answer.arrayBuffer();
  }

  fetch(challenge, init) {
    return this.fetchLicense(challenge, init);
  }

  // The worker is told: a ticket that is over has to be asked for anew.
  refused(challenge, { name }) {
    const { ticket, link } = this.#tickets.get(nameOf(challenge)) ?? {};
    link?.ask("refused", { ticket, code: name }).catch(() => {});
  }

  // Does what a grant is needed for; a second time by a new one, where the first is over and there is whom to ask.
  async granted(element, act) {
    try {
      return await act(element?.dataset?.matineeGrant ?? this.grant ?? (this.grant = await this.grantcallback?.()));
    } catch (thrown) {
      if (!this.grantcallback || !thrown.message.includes('"GRANT_INVALID"')) {
        throw thrown;
      }
      this.grant = await this.grantcallback();
      return act(this.grant);
    }
  }

  // `known`: the film that the session has begun with, which a page's next film does not change.
  async challenge(link, session, initData, element, known) {
    let movie;
    const { challenge, ticket } = await this.granted(element, (grant) => {
      movie = Number(known ?? element?.dataset?.matineeMovie ?? this.movie ?? movieOf(initData) ?? grant?.split(".")[2]);
      if (!Number.isSafeInteger(movie)) {
        throw failure({ code: "MOVIE_UNKNOWN", message: "Say which film it is: Matinee.eme({ movie }), or data-matinee-movie." });
      }
      const copy = initData.slice().buffer;
      const members = { session, movie, grant, other: Boolean(this.grantcallback), initData: copy, display: display() };
      return link.ask("generate-request", members, [copy]);
    });
    this.#ticket = ticket;
    this.#tickets.set(nameOf(challenge), { ticket, link });
    if (this.#tickets.size > CHALLENGES) {
      this.#tickets.delete(this.#tickets.keys().next().value);
    }
    return { challenge, movie };
  }
}

// A challenge ends with its signature, which no other has.
const nameOf = (challenge) => (challenge?.byteLength ? hex(octetsOf(challenge).slice(-32)) : "");

export function install(options = {}) {
  const { server, frame, ticket, ...members } = options;
  if (ticket && !members.grant && !members.grantcallback) {
    throw new DOMException("A ticket is bound to the keys of the device that it was given to, and the frame's are its own: "
      + "give a grant (POST /api/grants).", "NotSupportedError");
  }
  const other = server || frame || !installed ? new Installed(options) : installed;
  if (installed?.frame === other.frame && installed.server === other.server) {
    // What plays goes on.
    installed.change(members);
  } else {
    installed = other;
  }
  return installed;
}
