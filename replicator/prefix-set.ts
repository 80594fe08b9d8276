// A set of prefix ids as a bitmap, emptied in id order: what a feed still has to send.

export class PrefixSet {
  size = 0;
  private words = new Uint32Array(64);
  /** Where `take` goes on; ids added behind it wait for the next round. */
  private cursor = 0;

  has(id: number): boolean {
    const word = id >>> 5;
    return word < this.words.length && ((this.words[word] >>> (id & 31)) & 1) !== 0;
  }

  add(id: number): void {
    const word = id >>> 5;
    if (word >= this.words.length) this.grow(word);
    const bit = 1 << (id & 31);
    if ((this.words[word] & bit) !== 0) return;
    this.words[word] |= bit;
    this.size++;
  }

  /** Moves up to out.length ids from the set to `out` and returns how many. */
  take(out: Uint32Array): number {
    const { words } = this;
    const wanted = Math.min(out.length, this.size);
    let taken = 0;
    while (taken < wanted) {
      if (this.cursor >= words.length) this.cursor = 0;
      let word = words[this.cursor];
      while (word !== 0 && taken < wanted) {
        const lowest = word & -word;
        out[taken++] = this.cursor * 32 + 31 - Math.clz32(lowest);
        word ^= lowest;
      }
      words[this.cursor] = word;
      if (word === 0) this.cursor++;
    }
    this.size -= taken;
    return taken;
  }

  /** Marks used[id] for every id of the set. */
  mark(used: Uint8Array): void {
    const end = Math.min(used.length, this.words.length * 32);
    for (let id = 0; id < end; id++) if (this.has(id)) used[id] = 1;
  }

  private grow(word: number): void {
    let length = this.words.length;
    while (length <= word) length *= 2;
    const grown = new Uint32Array(length);
    grown.set(this.words);
    this.words = grown;
  }
}
