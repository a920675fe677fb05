/**
 * What runs: the version of a program of ours, the commit of the checkout that it was started from, and the
 * plug-ins that it has loaded.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { answer, Id, literals } from "./wire/schema.ts";

const Version = Type.String({ pattern: "^[\\x21-\\x7e]{1,64}$" });

export const PluginVersion = answer({
  name: Type.String({ pattern: "^[a-z][a-z0-9-]{0,31}$" }),
  /** Of its package; of a plug-in that is only a file: `sha256-` and the start of the file's digest. */
  version: Version,
});
export type PluginVersion = Static<typeof PluginVersion>;

const PluginVersions = Type.Array(PluginVersion, { maxItems: fieldLimits.pluginsMax });

export const Release = answer({
  version: Version,
  /** The start of its hash. Absent: it runs from a package, or the commit is not known. */
  commit: Type.Optional(Type.String({ pattern: "^[0-9a-f]{7,64}$" })),
  /** In the order of cluster.yaml. Absent: the process does not say. */
  plugins: Type.Optional(PluginVersions),
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
