/**
 * Copies of volumes that a fake storage has begun and not yet given a name: each host has its own, which
 * outlives the agent. Nothing here is ever found as a volume.
 */

export interface FakeVolumePart {
  readonly volumeId: string;
  readonly epoch: number;
  readonly sizeBytes: number;
  readonly host: object;
  /** The number of writes that was found in the source, by each piece. */
  readonly pieces: number[];
}

export class FakeVolumeParts {
  readonly #parts = new Set<FakeVolumePart>();

  get all(): readonly FakeVolumePart[] {
    return [...this.#parts];
  }

  begin(of: Omit<FakeVolumePart, "pieces">): FakeVolumePart {
    const part = { ...of, pieces: [] };
    this.#parts.add(part);
    return part;
  }

  has(part: FakeVolumePart): boolean {
    return this.#parts.has(part);
  }

  remove(part: FakeVolumePart): void {
    this.#parts.delete(part);
  }

  /** Those of a volume, of one host or of all. */
  drop(volumeId: string, host?: object): void {
    for (const part of this.#parts)
      if (part.volumeId === volumeId && (host === undefined || part.host === host)) this.#parts.delete(part);
  }
}
