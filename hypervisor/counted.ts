// Numbers of things, for people. Owns the plural.

/** `1 change`, `2 changes`: for words whose plural is made with an s. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
