// The line to the router: server-sent events while it answers, tries to connect again while it does not, and how old the last word is.
// Owns the connection; what is done with the news belongs to main.js.

/** Without news for that long the data is called old, ms; the router speaks once a second. */
const STALE_MS = 4000;
/** A stream that has said nothing for that long is taken for dead and opened anew, ms. */
const DEAD_MS = 10_000;
/** An answer that takes longer than that is not waited for, ms. */
const ANSWER_MS = 30_000;
const RETRY_MS = [500, 1000, 1000, 2000, 5000];

/** Answers of the JSON API. Throws an Error with the router's own words; `loggedOut` when it wants a login. */
export async function ask(path, signal = AbortSignal.timeout(ANSWER_MS)) {
  const response = await fetch(`/api/v1/${path}`, { headers: { accept: 'application/json' }, signal });
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  const error = new Error(typeof answer.error === 'string' ? answer.error : `the router answers ${response.status}`);
  error.loggedOut = response.status === 401;
  throw error;
}

/** A question rests so many times as long as its answer took, and a minute at most: what is hard for the router is asked seldom. */
const REST = 10;
const LONGEST_REST_MS = 60_000;

/** How long to wait before a question is asked again whose answer took `took`, ms; `least`: where it takes no time. */
export function pauseAfter(took, least, rest = REST) {
  return Math.min(Math.max(least, rest * took), LONGEST_REST_MS);
}

export class Feed extends EventTarget {
  #source;
  #heard = -Infinity;
  #tries = 0;
  #timer;
  /** What keeps it from being live: `connecting`, `lost`, `logged-out`; undefined when it is. */
  trouble = 'connecting';

  /** Events: `open` (a new line: everything may have changed), `status`, `sample`, `record` (each with `detail`), `state`. */
  start() {
    this.#connect();
    setInterval(() => this.#watch(), 1000);
    addEventListener('online', () => this.#again(0));
    document.addEventListener('visibilitychange', () => document.hidden || this.#watch());
  }

  /** Milliseconds since the router last said something; undefined when it never did. */
  get age() {
    return Number.isFinite(this.#heard) ? performance.now() - this.#heard : undefined;
  }

  get stale() {
    return this.trouble !== undefined || (this.age ?? Infinity) > STALE_MS;
  }

  #connect() {
    this.#source?.close();
    const source = new EventSource('/api/v1/events');
    this.#source = source;
    for (const kind of ['status', 'sample', 'record']) {
      source.addEventListener(kind, (event) => {
        this.#heard = performance.now();
        if (this.trouble !== undefined) this.#live();
        this.dispatchEvent(new CustomEvent(kind, { detail: JSON.parse(event.data) }));
      });
    }
    source.addEventListener('error', () => source === this.#source && this.#lost());
  }

  #live() {
    this.trouble = undefined;
    this.#tries = 0;
    this.dispatchEvent(new Event('open'));
    this.dispatchEvent(new Event('state'));
  }

  #lost() {
    this.#source?.close();
    this.#source = undefined;
    if (this.trouble !== 'logged-out') this.trouble = 'lost';
    this.dispatchEvent(new Event('state'));
    this.#again(RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)]);
    // An event source does not say why it failed; an ordinary question does.
    fetch('/dashboard/icon.svg', { method: 'HEAD', cache: 'no-store' }).then(
      ({ status }) => {
        if (status !== 401) return;
        this.trouble = 'logged-out';
        this.dispatchEvent(new Event('state'));
      },
      () => undefined,
    );
  }

  #again(delay) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.trouble !== undefined) this.#connect();
    }, delay);
  }

  #watch() {
    if (this.#source && this.trouble === undefined && this.age > DEAD_MS) this.#lost();
    this.dispatchEvent(new Event('state'));
  }
}
