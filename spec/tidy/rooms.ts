/**
 * Draws the imports as rooms, from the top down: `node spec/tidy/rooms.ts`. Each line is a room with its
 * files and lines, and the rooms that it imports, with how many imports there are. An arrow upwards or a
 * circle is named below the drawing; import-rules.ts says which arrows may be. It reads sources only.
 */
import { allRooms } from "./import-rules.ts";
import { readSourceTree, type SourceFile } from "./source-tree.ts";

interface Drawn {
  readonly room: string;
  files: number;
  lines: number;
  readonly arrows: Map<string, number>;
}

/** Rooms without a list of their own, from the ground up; all others are in import-rules.ts. */
const ground = [
  "protocol/limits",
  "protocol/wire",
  "protocol",
  "actors/records",
  "actors/ports",
  "actors/runtime",
];

/** From the ground up. */
export const roomsInOrder: readonly string[] = [...ground, ...allRooms.map(({ room }) => room), "nodes"];

/** The innermost room that the file lies in; undefined for specs. */
export function roomOf(path: string): string | undefined {
  const around = roomsInOrder.filter((room) => path.startsWith(`${room}/`));
  return around.sort((left, right) => right.length - left.length)[0];
}

export function drawRooms(files: readonly SourceFile[]): readonly Drawn[] {
  const drawn = new Map<string, Drawn>(
    roomsInOrder.map((room) => [room, { room, files: 0, lines: 0, arrows: new Map() }]),
  );
  for (const file of files) {
    const here = drawn.get(roomOf(file.path) ?? "");
    if (here === undefined) continue;
    here.files += 1;
    here.lines += file.text.split("\n").length - 1;
    for (const { isFile, target } of file.imports) {
      const there = isFile ? roomOf(target) : undefined;
      if (there !== undefined && there !== here.room)
        here.arrows.set(there, (here.arrows.get(there) ?? 0) + 1);
    }
  }
  return [...drawn.values()];
}

/** Arrows to a room that stands higher; a circle has one. */
export function arrowsUpwards(drawn: readonly Drawn[]): readonly string[] {
  const height = new Map(drawn.map(({ room }, index) => [room, index]));
  return drawn.flatMap(({ room, arrows }) =>
    [...arrows.keys()]
      .filter((there) => (height.get(there) ?? 0) > (height.get(room) ?? 0))
      .map((there) => `${room} -> ${there}`),
  );
}

if (import.meta.main) {
  const drawn = drawRooms(readSourceTree());
  for (const { room, files, lines, arrows } of drawn.toReversed()) {
    const size = `${room.padEnd(28)} ${String(files).padStart(3)} files ${String(lines).padStart(6)} lines`;
    console.log(`${size}  ${[...arrows].map(([there, count]) => `${there} ${count}`).join(", ")}`.trimEnd());
  }
  const upwards = arrowsUpwards(drawn);
  console.log(upwards.length === 0 ? "No arrow goes upwards." : `Upwards: ${upwards.join(", ")}`);
}
