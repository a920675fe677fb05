/**
 * The images of a history, as commits made them: which project may name one by its id, and which lists it,
 * now and until when. The checkers of images judge by it; it judges nothing itself.
 */
import { type Image, image, imageMember } from "../../protocol/image.ts";
import type { ResourceRow, RowOf } from "../../protocol/wire/resource.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import type { Commit } from "../records/commit.ts";
import { changedId, rowAfter } from "./row-written.ts";

type ImageRow = RowOf<typeof image>;
type Member = RowOf<typeof imageMember>;

/**
 * `named`: it may be named by its id, and used; `listed`: it is in the list that is asked for without more.
 */
export type Seeing = "named" | "listed";

export interface ImageLedger {
  row(id: string): ImageRow | undefined;
  member(id: string): Member | undefined;
  /** Whether the project sees the image now, or saw it at this moment or later. */
  sees(project: string, id: string, how: Seeing, sinceMs?: number): boolean;
  apply(commit: Commit, atMs: number): void;
}

export function createImageLedger(): ImageLedger {
  const rows = new Map<string, ImageRow>();
  const members = new Map<string, Member>();
  /** When a project saw an image last that it does not see any more. */
  const lost = new Map<string, number>();
  const now = (project: string, id: string, how: Seeing): boolean => {
    const row = rows.get(id);
    if (row === undefined) return false;
    if (project === adminProject || project === row.project || isOpen(row, how)) return true;
    if (row.visibility !== "shared") return false;
    return [...members.values()].some(
      ({ imageId, name, status }) =>
        imageId === id && name === project && (how === "named" || status === "accepted"),
    );
  };
  const seers = (id: string): readonly string[] => {
    const its = [...members.values()].filter(({ imageId }) => imageId === id).map(({ name }) => name);
    return ["", ...its].flatMap((project) =>
      (["named", "listed"] as const).flatMap((how) =>
        now(project, id, how) ? [keyOf(project, id, how)] : [],
      ),
    );
  };
  return {
    row: (id) => rows.get(id),
    member: (id) => members.get(id),
    sees(project, id, how, sinceMs) {
      if (now(project, id, how)) return true;
      if (sinceMs === undefined) return false;
      // Who sees as a stranger does, whose name is empty, sees as everybody.
      return [project, ""].some((one) => (lost.get(keyOf(one, id, how)) ?? -1) >= sinceMs);
    },
    apply({ rows: changes = [] }, atMs) {
      for (const change of changes) {
        const { noun } = change.resource;
        if (noun !== image.noun && noun !== imageMember.noun) continue;
        const row = rowAfter(change);
        const id = changedId(change);
        const of =
          noun === image.noun ? id : ((row as Member | undefined)?.imageId ?? members.get(id)?.imageId ?? "");
        const before = seers(of);
        if (noun === image.noun) put(rows, id, row);
        else put(members, id, row);
        const after = new Set(seers(of));
        for (const key of before) if (!after.has(key)) lost.set(key, atMs);
        if (!rows.has(of))
          for (const one of [...members.values()]) if (one.imageId === of) members.delete(one.id);
      }
    },
  };
}

const keyOf = (project: string, id: string, how: Seeing): string => `${how} ${project} ${id}`;

function isOpen({ visibility }: Pick<Image, "visibility">, how: Seeing): boolean {
  return visibility === "public" || (how === "named" && visibility === "community");
}

function put<T>(table: Map<string, T>, id: string, row: ResourceRow | undefined): void {
  if (row === undefined) table.delete(id);
  else table.set(id, row as T);
}
