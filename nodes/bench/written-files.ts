/**
 * The files of a storage that one process at a time may write: disks of guests, and volumes. Each has an id,
 * that of the instance or of the volume, and lies under the epoch of its present writer.
 */
import { readdirSync } from "node:fs";
import { join, relative } from "node:path";
import { guestFiles } from "../drivers/guest-directory.ts";
import { dataFile, nameOf, volumeIn } from "../drivers/volumes/names.ts";

export interface FileKind {
  readonly directory: string;
  /** The path of a file in the directory. */
  pathOf(id: string, epoch: number): string;
  /** The epochs under which the files lie there, by id and in order: one each, except for a moment. */
  epochs(): ReadonlyMap<string, readonly number[]>;
  /** The id of a file with this path in the directory; undefined for other files. */
  idOf(path: string): string | undefined;
}

export const fileKinds = (storage: string): readonly FileKind[] => [
  disksIn(join(storage, "guests")),
  volumesIn(join(storage, "volumes")),
];

function disksIn(directory: string): FileKind {
  const found = () =>
    namesIn(directory).flatMap((name) => {
      const [, id, epoch] = /^([0-9a-f-]{36})\.e([0-9]+)$/.exec(name) ?? [];
      return id === undefined ? [] : [{ id, epoch: Number(epoch) }];
    });
  return {
    directory,
    pathOf: (id, epoch) => join(`${id}.e${epoch}`, guestFiles.disk),
    epochs: () => inOrder(found()),
    idOf: (path) =>
      path.includes(guestFiles.disk) ? /^([0-9a-f-]{36})\.[er][0-9]+\//.exec(path)?.[1] : undefined,
  };
}

export function volumesIn(directory: string): FileKind {
  const ids = () => namesIn(directory).filter((name) => /^[0-9a-f-]{36}$/.test(name));
  const found = (id: string) =>
    namesIn(join(directory, id)).flatMap((entry) => {
      const one = volumeIn(id, entry);
      return one?.kind === "whole" ? [{ id, epoch: one.epoch }] : [];
    });
  return {
    directory,
    pathOf: (id, epoch) => join(nameOf(id, epoch), dataFile),
    epochs: () => inOrder(ids().flatMap(found)),
    idOf: (path) => (path.includes(dataFile) ? /^([0-9a-f-]{36})\//.exec(path)?.[1] : undefined),
  };
}

function inOrder(found: readonly { readonly id: string; readonly epoch: number }[]) {
  const epochs = new Map<string, readonly number[]>();
  for (const { id, epoch } of found)
    epochs.set(
      id,
      [...(epochs.get(id) ?? []), epoch].sort((one, other) => one - other),
    );
  return epochs;
}

/** The id of an open file of one of these kinds, by its absolute path. */
export function idOfPath(kinds: readonly FileKind[], path: string): string | undefined {
  const kind = kinds.find(({ directory }) => path.startsWith(`${directory}/`));
  return kind?.idOf(relative(kind.directory, path));
}

/** Empty for a directory that is not there. */
function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
