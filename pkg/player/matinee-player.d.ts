/** Why a film cannot play. `action` says what helps: `retry`, `reload`, `takeover`, `fail` and the like. */
export interface MatineeError {
  readonly code: string;
  readonly action: string;
  readonly message: string;
}

/** The picture that is shown: its lines, whether the player chose them, and what could be chosen. */
export interface MatineeQuality {
  readonly height: number | null;
  readonly auto: boolean;
  readonly heights: readonly number[];
}

/** Where an event stands, and what of it can be seen. Seconds of the event, and Unix times in seconds. */
export interface MatineeLive {
  readonly state: "waiting" | "live" | "interrupted" | "ended";
  /** Whether the viewer sees what is live, and not something from before. */
  readonly atLive: boolean;
  readonly start: number;
  readonly end: number;
  readonly startTime: number | null;
  readonly endTime: number | null;
  /** It is over, and can be seen from its beginning. */
  readonly replay: boolean;
}

/** What the captions that are on say now. */
export interface MatineeCues {
  /** BCP 47; `null` where captions are off, or their language is not known. */
  readonly language: string | null;
  /** The text of each cue, without markup: at most 32, of at most 1,000 characters. */
  readonly cues: readonly string[];
}

/** A device of the viewer's that plays, where the plan allows no further one. */
export interface MatineePlaying {
  readonly device_id: string;
  readonly name: string;
  readonly title: string | null;
}

export interface MatineePlayerEventMap extends HTMLElementEventMap {
  error: CustomEvent<MatineeError> & MatineeError;
  qualitychange: CustomEvent<MatineeQuality>;
  livechange: CustomEvent<MatineeLive | null>;
  cuechange: CustomEvent<MatineeCues>;
  streamlimit: CustomEvent<{ readonly playing: readonly MatineePlaying[] }>;
}

export class MatineePlayer extends HTMLElement {
  /** Asked for a grant when there is none, or when the last one is over. */
  grantcallback: (() => Promise<string>) | null;
  server: string;
  movie: string;
  grant: string;
  poster: string;
  preload: string;
  start: number | null;
  autoplay: boolean;
  loop: boolean;
  controls: boolean;
  muted: boolean;
  /** 0 to 1. */
  volume: number;
  /** Seconds. */
  currentTime: number;
  playbackRate: number;
  /** Shows at most so many lines; `null` leaves it to the player. */
  set maxHeight(height: number | null);
  /** Seconds; `NaN` before it is known, `Infinity` of an event that goes on. */
  readonly duration: number;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly seeking: boolean;
  readonly readyState: number;
  /** The end of what is buffered, in seconds. */
  readonly bufferedEnd: number;
  readonly videoWidth: number;
  readonly videoHeight: number;
  readonly error: MatineeError | null;
  readonly quality: MatineeQuality | null;
  /** Of an event; `null` of a film. */
  readonly live: MatineeLive | null;
  /** Without captions, or between two cues, its `cues` are empty. */
  readonly activeCues: MatineeCues;
  /** Plays; rejects where the browser wants a click first, or the film cannot play. */
  play(): Promise<void>;
  pause(): void;
  /** Goes to what is live, in an event. */
  goLive(): void;
  /** Loads anew: after an error, or with another grant. */
  load(): void;
  addEventListener<K extends keyof MatineePlayerEventMap>(
    type: K,
    listener: (this: MatineePlayer, event: MatineePlayerEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "matinee-player": MatineePlayer;
  }
}
