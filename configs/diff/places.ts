// Where in a configuration file a key is written. Owns the look-up of lines; what the file means is load.ts.
import { isNode, LineCounter, parseDocument, type Document } from 'yaml';

export class Places {
  readonly file: string;
  private readonly document: Document;
  private readonly lines = new LineCounter();

  constructor(file: string, text: string) {
    this.file = file;
    this.document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false });
  }

  /** The line of the value at `path`; of the nearest thing around it when it is not written there. Counts from 1. */
  line(path: readonly (string | number)[]): number {
    for (let length = path.length; length > 0; length--) {
      const node = this.document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return Math.max(1, this.lines.linePos(node.range[0]).line);
    }
    return 1;
  }
}
