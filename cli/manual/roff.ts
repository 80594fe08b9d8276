// Text as roff man(7) macros want it. Owns escaping: nothing in a text is taken for a request.

/** Running text: backslashes and dashes as they are typed, no request at the beginning of a line. */
export function roffText(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/’/g, '\\(cq')
    .replace(/…/g, '...')
    .replace(/–/g, '\\(en')
    .replace(/→/g, '\\(->')
    .split('\n')
    .map((line) => line.replace(/^[.']/, '\\&$&'))
    .join('\n');
}

/** An argument of a macro: one word whatever is in it. */
export function roffArgument(text: string): string {
  return `"${roffText(text).replaceAll('"', '\\(dq')}"`;
}

export const bold = (text: string): string => `\\fB${roffText(text)}\\fR`;
export const italic = (text: string): string => `\\fI${roffText(text)}\\fR`;
