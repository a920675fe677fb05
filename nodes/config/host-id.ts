/**
 * A host's id: made once and kept on the host's own disk, since everything that the cluster knows of a host
 * hangs on it. A damaged file is never replaced by a new id: that is for an operator to decide.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { systemIds } from "../process/clock.ts";
import { makeStateFile, readStateFile } from "../process/state-file.ts";
import { type ClusterConfig, statePaths } from "./config.ts";

const expected = {
  pattern: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  advice:
    "It holds the id by which the cluster knows this node. Restore it: novact host list shows the id. Or delete " +
    "it: the node then begins as a new host, and the instances of the old one stay with that, which is lost.",
};

/** The node's id; the first call makes it. @throws StateFileError when its file is damaged */
export function hostIdOf(
  config: Pick<ClusterConfig, "stateDirectory" | "deployment">,
  nodeName: string,
): string {
  const directory = statePaths(config).node(nodeName);
  const file = join(directory, "host-id");
  const known = readStateFile(file, expected);
  if (known !== undefined) return known;
  mkdirSync(directory, { recursive: true, mode: 0o711 });
  makeStateFile(file, `${systemIds(config.deployment).next()}\n`);
  // Another process may have been faster.
  return readStateFile(file, expected) ?? "";
}
