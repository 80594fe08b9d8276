// Prefixes that wait to be emitted, in the order in which they became dirty, each at most once. What is emitted for them is
// looked up when they are taken, not here.

/** A FIFO ring of ids with a membership byte for each; grows with the ids, allocates nothing per entry. */
export class DirtyQueue {
  size = 0;
  private ring = new Uint32Array(64);
  private queued = new Uint8Array(64);
  private head = 0;

  has(id: number): boolean {
    return id < this.queued.length && this.queued[id] !== 0;
  }

  add(id: number): void {
    if (id >= this.queued.length) this.grow(id);
    if (this.queued[id] !== 0) return;
    this.queued[id] = 1;
    this.ring[(this.head + this.size) & (this.ring.length - 1)] = id;
    this.size++;
  }

  /** The oldest entry, 0 when there is none. */
  shift(): number {
    if (this.size === 0) return 0;
    const id = this.ring[this.head];
    this.head = (this.head + 1) & (this.ring.length - 1);
    this.size--;
    this.queued[id] = 0;
    return id;
  }

  clear(): void {
    this.queued.fill(0);
    this.head = 0;
    this.size = 0;
  }

  private grow(id: number): void {
    let length = this.ring.length;
    while (length <= id) length *= 2;
    const queued = new Uint8Array(length);
    queued.set(this.queued);
    const ring = new Uint32Array(length);
    for (let i = 0; i < this.size; i++) ring[i] = this.ring[(this.head + i) & (this.ring.length - 1)];
    this.queued = queued;
    this.ring = ring;
    this.head = 0;
  }
}
