// Text off the wire, from daemons or from logs on its way to people: whatever could move a terminal's cursor, change colours, hide or
// reorder what is read becomes visible instead. Owns which characters those are and how they are shown.

/**
 * C0 and C1 controls and DEL (escape sequences begin with them), line and paragraph separators; bidirectional controls (they reorder what
 * is seen: Trojan Source), other invisible format characters, tags and variation selectors; lone surrogates, noncharacters, private use;
 * spaces that are none (wide, thin, without a width) and letters that look like one.
 */
const UNSAFE =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\u2028\u2029\ufe00-\ufe0f\u{e0100}-\u{e01ef}\u00a0\u115f\u1160\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u3164\uffa0]/gu;
/** Only what is not plain ASCII is worth a look at those classes, which takes a while. */
const SUSPECT = /[^\x20-\x7e]+/g;
/** More combining marks on one character than any language needs smear over the lines above and below. */
const PILED = /(?<=\p{M}{4})\p{M}/gu;

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
  return cut.replace(SUSPECT, (run) => run.replace(UNSAFE, escaped).replace(PILED, escaped));
}

/** Several lines: the newlines stay, everything else is as in `safeText`, and nothing is cut. */
export function safeLines(text: string): string {
  return text
    .split('\n')
    .map((line) => safeText(line, Infinity))
    .join('\n');
}

/** JSON for a terminal or a pipe: equal to what `JSON.stringify` says, in ASCII alone, so that it is safe to look at, too. */
export function safeJson(value: unknown, indent?: number): string {
  return asciiJson(JSON.stringify(value, null, indent));
}

/** JSON text with everything beyond printable ASCII escaped; its meaning stays the same. */
export function asciiJson(json: string): string {
  return json.replace(/[\x7f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
