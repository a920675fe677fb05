/** Every limit of every room, found in the sources: a new room needs no line here. */
import { join } from "node:path";
import { readSourceTree, root } from "../tidy/source-tree.ts";

export interface FoundLimit {
  readonly name: string;
  readonly value: number;
  readonly file: string;
}

const isLimits = (path: string): boolean =>
  !path.startsWith("spec/") && /(?:^protocol\/limits\/[a-z-]+|\/limits)\.ts$/.test(path);

const files = readSourceTree()
  .map(({ path }) => path)
  .filter(isLimits);
const modules = await Promise.all(
  files.map(async (file) => ({ file, module: (await import(join(root, file))) as object })),
);

export const allLimits: readonly FoundLimit[] = modules.flatMap(({ file, module }) =>
  Object.values(module).flatMap((room: Readonly<Record<string, number>>) =>
    Object.entries(room).map(([name, value]) => ({ name, value, file })),
  ),
);
