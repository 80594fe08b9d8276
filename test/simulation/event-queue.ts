// Virtual time: what is to happen when. Equal times keep the order in which they were asked for.

interface Entry {
  at: number;
  order: number;
  run: () => void;
}

export class EventQueue {
  /** The present, ms. */
  now = 0;
  private heap: Entry[] = [];
  private order = 0;

  /** At an absolute time, at the earliest now. */
  at(time: number, run: () => void): void {
    const entry = { at: Math.max(time, this.now), order: this.order++, run };
    const { heap } = this;
    let i = heap.length;
    heap.push(entry);
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(entry, heap[parent])) break;
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
  }

  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** Runs the next event that is not later than `until`. Returns false when there is none; then it is `until`. */
  step(until: number): boolean {
    const { heap } = this;
    if (heap.length === 0 || heap[0].at > until) {
      this.now = until;
      return false;
    }
    const [first] = heap;
    const last = heap.pop()!;
    if (heap.length > 0) this.sink(last);
    this.now = first.at;
    first.run();
    return true;
  }

  private sink(entry: Entry): void {
    const { heap } = this;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) child++;
      if (!before(heap[child], entry)) break;
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = entry;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
