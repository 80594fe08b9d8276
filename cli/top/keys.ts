// What a terminal sends when keys are pressed, as names. Owns the sequences (xterm's and its many relatives'); what keys do is keys-to-state.ts.

/** A printable character stands for itself. */
export type Key = string;

/** Behind `ESC [` or `ESC O`. */
const SEQUENCES: Readonly<Record<string, Key>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  H: 'home',
  F: 'end',
  Z: 'back-tab',
  '1~': 'home',
  '4~': 'end',
  '7~': 'home',
  '8~': 'end',
  '5~': 'page-up',
  '6~': 'page-down',
};
const CONTROLS: Readonly<Record<string, Key>> = {
  '\x03': 'ctrl-c',
  '\x0c': 'ctrl-l',
  '\x1a': 'ctrl-z',
  '\x15': 'ctrl-u',
  '\t': 'tab',
  '\r': 'enter',
  '\n': 'enter',
  '\x7f': 'backspace',
  '\b': 'backspace',
};
/** A whole control sequence: parameters, intermediates, a final byte. */
const SEQUENCE = /^\x1b(?:\[([0-?]*[ -/]*[@-~])|O([ -~]))/;
/** One that goes on in the next bytes. */
const UNFINISHED = /^\x1b(?:\[[0-?]*[ -/]*|O)$/;
const LONGEST_SEQUENCE = 32;

export class KeyReader {
  private rest = '';

  /** The keys in `text`, which continues what came before. An ESC with nothing behind it is the key Esc. */
  read(text: string): Key[] {
    const keys: Key[] = [];
    let input = this.rest + text;
    this.rest = '';
    while (input !== '') {
      const sequence = SEQUENCE.exec(input);
      if (sequence !== null) {
        const key = SEQUENCES[sequence[1] ?? sequence[2]];
        if (key !== undefined) keys.push(key);
        input = input.slice(sequence[0].length);
      } else if (UNFINISHED.test(input) && input.length < LONGEST_SEQUENCE) {
        this.rest = input;
        break;
      } else {
        const [character] = input;
        input = input.slice(character.length);
        const key = character === '\x1b' ? 'escape' : (CONTROLS[character] ?? character);
        // Other control characters mean nothing here.
        if (key.length > 1 || key >= ' ') keys.push(key);
      }
    }
    return keys;
  }
}
