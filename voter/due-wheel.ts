// When to look at a ballot again: a timer wheel of linked lists threaded through one array, so that a tick costs what is due and
// an entry costs four bytes. Owns the appointments; what is done at them belongs to update-voter.ts.

const SLOTS = 64;
/** Marks the last entry of a slot, which differs from "not in the wheel" (0). */
const END = 0xffffffff;

/** Each id has at most one appointment. Times in ms; an appointment comes up to one slot late, never early. */
export class DueWheel {
  size = 0;
  private next = new Uint32Array(64);
  private readonly first = new Uint32Array(SLOTS).fill(END);
  private readonly last = new Uint32Array(SLOTS);
  private readonly slotWidth: number;
  private cursor = -1;

  /** `slotWidth` in ms; appointments reach 62 slots ahead, later ones come up at that limit (and are made again). */
  constructor(slotWidth: number) {
    this.slotWidth = slotWidth;
  }

  has(id: number): boolean {
    return id < this.next.length && this.next[id] !== 0;
  }

  /** Makes an appointment, unless the id has one already. `due` is an absolute time, `now` the present. */
  add(id: number, due: number, now: number): void {
    if (id >= this.next.length) this.grow(id);
    if (this.next[id] !== 0) return;
    const present = Math.floor(now / this.slotWidth);
    if (this.cursor < 0) this.cursor = present;
    const wanted = Math.max(Math.floor(due / this.slotWidth), present, this.cursor);
    const slot = Math.min(wanted, this.cursor + SLOTS - 2) % SLOTS;
    this.next[id] = END;
    if (this.first[slot] === END) this.first[slot] = id;
    else this.next[this.last[slot]] = id;
    this.last[slot] = id;
    this.size++;
  }

  /** Takes one id whose appointment has passed, 0 when none has. */
  takeDue(now: number): number {
    const present = Math.floor(now / this.slotWidth);
    if (this.size === 0) {
      this.cursor = present;
      return 0;
    }
    while (this.cursor < present) {
      const slot = this.cursor % SLOTS;
      const id = this.first[slot];
      if (id !== END) {
        this.first[slot] = this.next[id];
        this.next[id] = 0;
        this.size--;
        return id;
      }
      this.cursor++;
    }
    return 0;
  }

  private grow(id: number): void {
    let length = this.next.length;
    while (length <= id) length *= 2;
    const grown = new Uint32Array(length);
    grown.set(this.next);
    this.next = grown;
  }
}
