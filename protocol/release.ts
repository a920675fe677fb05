/** What runs: the version of a program of ours, and the commit of the checkout that it was started from. */
import { type Static, Type } from "@sinclair/typebox";
import { answer, Id, literals } from "./wire/schema.ts";

export const Release = answer({
  version: Type.String({ pattern: "^[\\x21-\\x7e]{1,64}$" }),
  /** The start of its hash. Absent: it runs from a package, or the commit is not known. */
  commit: Type.Optional(Type.String({ pattern: "^[0-9a-f]{7,64}$" })),
});
export type Release = Static<typeof Release>;

/** A process of a cell, with the release that the process runs. */
export const Running = answer({
  kind: literals(["controller", "host"]),
  id: Id,
  name: Type.String(),
  /** Absent: it did not say. */
  release: Type.Optional(Release),
  /** Why it did not say, as a sentence without its full stop. */
  why: Type.Optional(Type.String()),
});
export type Running = Static<typeof Running>;
