// JSON in pieces, so that an answer of ten thousand entries is not made in one go. Owns the splitting: an object's lists are written entry
// by entry, everything else at once.

export function* jsonPieces(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    yield* valuePieces(value);
  } else {
    let separator = '{';
    for (const [key, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${separator}${JSON.stringify(key)}:`;
      yield* valuePieces(member);
      separator = ',';
    }
    yield separator === '{' ? '{}' : '}';
  }
  yield '\n';
}

function* valuePieces(value: unknown): Generator<string> {
  if (!Array.isArray(value)) {
    yield JSON.stringify(value) ?? 'null';
    return;
  }
  yield* listPieces(value, (item) => JSON.stringify(item) ?? 'null');
}

/** A list whose entries become text one by one. */
export function* listPieces<T>(items: Iterable<T>, text: (item: T) => string): Generator<string> {
  let separator = '[';
  for (const item of items) {
    yield separator + text(item);
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}
