/**
 * What happened, line by line, when somebody wants to read it; and a running digest of who did a step when,
 * which is the same whether somebody reads or not, so that two runs of one seed can be held against each
 * other. Ids become short names in the order in which they appear.
 */
export const idPattern = /\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g;

export class Trace {
  readonly keepsCauses: boolean;
  readonly #write: ((line: string) => void) | undefined;
  readonly #names = new Map<string, string>();
  #digest = 2_166_136_261;
  lines = 0;

  /** @param write where lines go; absent: only the digest is kept, and no causes */
  constructor(write?: (line: string) => void) {
    this.#write = write;
    this.keepsCauses = write !== undefined;
  }

  get isRead(): boolean {
    return this.#write !== undefined;
  }

  /** Eight hexadecimal digits over all steps. */
  get digest(): string {
    return (this.#digest >>> 0).toString(16).padStart(8, "0");
  }

  /** Adds a step to the digest: `who` did something at this time. */
  step(atMs: number, who: string): void {
    let hash = Math.imul(this.#digest ^ Math.round(atMs * 1_000), 16_777_619);
    for (let at = 0; at < who.length; at += 1) hash = Math.imul(hash ^ who.charCodeAt(at), 16_777_619);
    this.#digest = hash;
  }

  note(atMs: number, who: string, what: string): void {
    this.lines += 1;
    if (this.#write === undefined) return;
    this.#write(`${(atMs / 1_000).toFixed(6).padStart(12)}  ${who.padEnd(12)} ${this.short(what)}`);
  }

  /** The text with short names in place of ids. */
  short(text: string): string {
    return text.replace(idPattern, (id) => {
      const known = this.#names.get(id) ?? `#${this.#names.size + 1}`;
      this.#names.set(id, known);
      return known;
    });
  }
}
