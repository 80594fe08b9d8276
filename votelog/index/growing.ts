// Typed arrays that grow, for columns whose length is not known beforehand.

export class GrowingBytes {
  length = 0;
  private store = Buffer.alloc(1024);

  push(byte: number): void {
    if (this.length === this.store.length) {
      const bigger = Buffer.alloc(this.store.length * 2);
      this.store.copy(bigger);
      this.store = bigger;
    }
    this.store[this.length++] = byte;
  }

  /** A number below 2^32, seven bits a byte, the lowest first; all but the last byte have the top bit. */
  pushVariable(number: number): void {
    let rest = number;
    for (; rest > 127; rest >>>= 7) this.push((rest & 127) | 128);
    this.push(rest);
  }

  /** What is there, as a view. */
  bytes(): Buffer {
    return this.store.subarray(0, this.length);
  }
}

export class GrowingWords {
  length = 0;
  private store = new Uint32Array(256);

  push(word: number): void {
    if (this.length === this.store.length) {
      const bigger = new Uint32Array(this.store.length * 2);
      bigger.set(this.store);
      this.store = bigger;
    }
    this.store[this.length++] = word;
  }

  words(): Uint32Array {
    return this.store.subarray(0, this.length);
  }

  bytes(): Buffer {
    return Buffer.from(this.store.buffer, 0, 4 * this.length);
  }

  /** Taken as pairs (low word, high word), in ascending order of what each pair is as one number. Sorts in place. */
  sortedPairs(): Uint32Array {
    new BigUint64Array(this.store.buffer, 0, this.length >> 1).sort();
    return this.words();
  }
}
