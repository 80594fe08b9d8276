// Sorts fixed-width records in place by their bytes: the members of set-valued attributes (communities, AS_SETs).

// Up to here insertion sort wins, and nearly all real sets are this small. Above, heap sort keeps hostile input at n log n.
const INSERTION_LIMIT = 24;

/** Sorts `count` records of `width` bytes at `at` in ascending byte order, drops equal ones, and returns how many are left. */
export function sortRecords(buf: Uint8Array, at: number, count: number, width: number): number {
  if (!isAscending(buf, at, count, width)) {
    if (count <= INSERTION_LIMIT) insertionSort(buf, at, count, width);
    else heapSort(buf, at, count, width);
  }
  return dropEqual(buf, at, count, width);
}

/** Below 0, 0 or above 0 as record a comes before, equals or comes after record b (offsets). */
function compare(buf: Uint8Array, a: number, b: number, width: number): number {
  for (let i = 0; i < width; i++) {
    const difference = buf[a + i] - buf[b + i];
    if (difference !== 0) return difference;
  }
  return 0;
}

function swap(buf: Uint8Array, a: number, b: number, width: number): void {
  for (let i = 0; i < width; i++) {
    const byte = buf[a + i];
    buf[a + i] = buf[b + i];
    buf[b + i] = byte;
  }
}

function isAscending(buf: Uint8Array, at: number, count: number, width: number): boolean {
  for (let i = 1; i < count; i++) {
    if (compare(buf, at + (i - 1) * width, at + i * width, width) > 0) return false;
  }
  return true;
}

function insertionSort(buf: Uint8Array, at: number, count: number, width: number): void {
  for (let i = 1; i < count; i++) {
    for (let j = at + i * width; j > at && compare(buf, j - width, j, width) > 0; j -= width) {
      swap(buf, j - width, j, width);
    }
  }
}

function heapSort(buf: Uint8Array, at: number, count: number, width: number): void {
  for (let root = (count >> 1) - 1; root >= 0; root--) siftDown(buf, at, root, count, width);
  for (let last = count - 1; last > 0; last--) {
    swap(buf, at, at + last * width, width);
    siftDown(buf, at, 0, last, width);
  }
}

function siftDown(buf: Uint8Array, at: number, root: number, count: number, width: number): void {
  for (;;) {
    let child = 2 * root + 1;
    if (child >= count) return;
    if (child + 1 < count && compare(buf, at + child * width, at + (child + 1) * width, width) < 0) child++;
    if (compare(buf, at + root * width, at + child * width, width) >= 0) return;
    swap(buf, at + root * width, at + child * width, width);
    root = child;
  }
}

function dropEqual(buf: Uint8Array, at: number, count: number, width: number): number {
  if (count === 0) return 0;
  let kept = 1;
  for (let i = 1; i < count; i++) {
    const from = at + i * width;
    const to = at + kept * width;
    if (compare(buf, from, to - width, width) === 0) continue;
    if (from !== to) buf.copyWithin(to, from, from + width);
    kept++;
  }
  return kept;
}
