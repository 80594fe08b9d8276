// Text from the network or from daemons on its way to a terminal: whatever could move the cursor, change colours, hide or reorder what is
// read becomes visible instead. Owns which characters those are and how they are shown; JSON needs none of this (but see `safeJson`).

/**
 * C0 and C1 controls and DEL (escape sequences begin with them), line and paragraph separators; bidirectional controls (they reorder what
 * is seen: Trojan Source), other invisible format characters, tags and variation selectors; lone surrogates, noncharacters, private use.
 */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/** Longer texts end in `…`: a daemon can say anything, for as long as it likes. */
const MAX_LENGTH = 4096;

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  if (code === 0x0a) return '\\n';
  if (code === 0x0d) return '\\r';
  if (code === 0x09) return '\\t';
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return `\\u{${code.toString(16)}}`;
}

/** `text` on one line, with nothing in it that a terminal acts on; at most `length` characters before escaping. */
export function safeText(text: string, length = MAX_LENGTH): string {
  const cut = text.length > length ? `${text.slice(0, length)}…` : text;
  return cut.replace(UNSAFE, escaped);
}

/** Several lines: the newlines stay, everything else is as in `safeText`. */
export function safeLines(text: string): string {
  return text.replace(UNSAFE, (character) => (character === '\n' ? character : escaped(character)));
}

/** JSON for a terminal or a pipe: equal to what `JSON.stringify` says, in ASCII alone, so that it is safe to look at, too. */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
