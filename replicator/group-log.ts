// What a feed wrote out of the current state, in the order it was written: groups of prefixes with the route attributes they went out with.
// Owns the numbers only; what was written can be encoded again from them.

/** Before the prefixes of a group: how many, their attribute id (0: withdrawn), the time (ms modulo 2^32). */
const HEADER = 3;
/** Room, words, that an empty log keeps: after a whole table it has a megabyte, and there is a log for each replica and neighbour. */
const KEPT_WORDS = 4096;

export class GroupLog {
  /** Words ever appended: a place between two groups. */
  position = 0;
  /** Prefixes ever appended. */
  written = 0;
  private words = new Uint32Array(64);
  private head = 0;
  private tail = 0;

  /** Bytes that it takes. */
  get bytes(): number {
    return (this.tail - this.head) * 4;
  }

  /** Bytes that it has room for. */
  get room(): number {
    return this.words.byteLength;
  }

  /** The prefixes ids[from..to) were written with these attributes. */
  append(route: number, ids: Uint32Array, from: number, to: number, now: number): void {
    const need = HEADER + to - from;
    if (this.tail + need > this.words.length) this.makeRoom(need);
    const { words, tail } = this;
    words[tail] = to - from;
    words[tail + 1] = route;
    words[tail + 2] = now;
    for (let i = from, at = tail + HEADER; i < to; i++) words[at++] = ids[i];
    this.tail += need;
    this.position += need;
    this.written += to - from;
  }

  /** Forgets the oldest group. Returns false when there is none. */
  drop(): boolean {
    if (this.head === this.tail) return false;
    this.head += HEADER + this.words[this.head];
    if (this.head === this.tail) this.emptied();
    return true;
  }

  /** Forgets what was appended before this place. */
  dropUntil(position: number): void {
    while (this.position - (this.tail - this.head) < position && this.drop());
  }

  /** The groups, oldest first; `ids` is a view. */
  forEach(visit: (route: number, ids: Uint32Array, time: number) => void): void {
    const { words } = this;
    for (let at = this.head; at < this.tail;) {
      const next = at + HEADER + words[at];
      visit(words[at + 1], words.subarray(at + HEADER, next), words[at + 2]);
      at = next;
    }
  }

  private emptied(): void {
    this.head = this.tail = 0;
    if (this.words.length > KEPT_WORDS) this.words = new Uint32Array(KEPT_WORDS);
  }

  private makeRoom(need: number): void {
    const { words, head, tail } = this;
    const used = tail - head;
    let length = words.length;
    while (length < 2 * (used + need)) length *= 2;
    const target = length === words.length ? words : new Uint32Array(length);
    target.set(words.subarray(head, tail));
    this.words = target;
    this.head = 0;
    this.tail = used;
  }
}
