/**
 * The volumes of one process of a fake guest, by place, with the files that it has open: a file stays open
 * under whatever name it has by now, as a real one. Whoever listens hears of each file that is opened or
 * closed, at that moment.
 */
import type { AttachedVolume, VolumeName } from "../../../actors/ports/hypervisor.ts";
import type { FakeVolumeFile } from "./volumes.ts";

/** Undefined: no storage of the world has a file of that name. */
export type FileOf = (volume: VolumeName) => FakeVolumeFile | undefined;

export interface OpenedVolume extends VolumeName {
  readonly file: FakeVolumeFile;
}

export class ProcessVolumes extends Map<number, AttachedVolume> {
  readonly #fileOf: FileOf;
  readonly #told: (volume: OpenedVolume, isOpen: boolean) => void;
  readonly #opened: Map<number, OpenedVolume>;

  constructor(fileOf: FileOf, told: (volume: OpenedVolume, isOpen: boolean) => void = () => undefined) {
    super();
    this.#fileOf = fileOf;
    this.#told = told;
    this.#opened = new Map();
  }

  get opened(): readonly OpenedVolume[] {
    return [...this.#opened.values()];
  }

  /** The file of a dead volume is closed. */
  override set(place: number, volume: AttachedVolume): this {
    if (volume.state === "dead") this.#close(place);
    else if (!this.#opened.has(place)) this.#open(place, volume);
    return super.set(place, volume);
  }

  override delete(place: number): boolean {
    this.#close(place);
    return super.delete(place);
  }

  /** The process has ended. */
  override clear(): void {
    for (const place of [...this.#opened.keys()]) this.#close(place);
    super.clear();
  }

  #open(place: number, { volumeId, epoch }: AttachedVolume): void {
    const file = this.#fileOf({ volumeId, epoch });
    if (file === undefined) return;
    const opened = { volumeId, epoch, file };
    this.#opened.set(place, opened);
    this.#told(opened, true);
  }

  #close(place: number): void {
    const opened = this.#opened.get(place);
    if (opened !== undefined && this.#opened.delete(place)) this.#told(opened, false);
  }
}
