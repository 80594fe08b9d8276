// How often one client may ask: a bucket per address that empties with each request and fills again with time. Owns the buckets.

/** Requests in a row, and how many more a second. */
const BURST = 200;
const PER_SECOND = 50;
/** A request without the token costs as much as so many others. */
export const REFUSED_COST = 20;
/** Addresses that are remembered; who has asked least recently is forgotten first. */
const MAX_CLIENTS = 1024;

interface Bucket {
  left: number;
  at: number;
}

export class RateLimit {
  private readonly buckets = new Map<string, Bucket>();

  /** True when `client` may go on at `now` (ms). */
  take(client: string, now: number): boolean {
    const bucket = this.bucket(client, now);
    if (bucket.left < 1) return false;
    bucket.left--;
    return true;
  }

  /** Takes `cost` more, as a debt if there is less: it has to be paid off before the next request. */
  charge(client: string, now: number, cost: number): void {
    this.bucket(client, now).left -= cost;
  }

  /** As it is at `now`. */
  private bucket(client: string, now: number): Bucket {
    const known = this.buckets.get(client);
    if (known !== undefined) {
      known.left = Math.min(BURST, known.left + ((now - known.at) / 1000) * PER_SECOND);
      known.at = now;
      // The order of the map is the order of the last requests.
      this.buckets.delete(client);
      this.buckets.set(client, known);
      return known;
    }
    if (this.buckets.size >= MAX_CLIENTS) this.buckets.delete(this.buckets.keys().next().value as string);
    const bucket = { left: BURST, at: now };
    this.buckets.set(client, bucket);
    return bucket;
  }
}
