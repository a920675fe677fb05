/** Machine files without tombstones, which stay behind for machines that are gone. */
import { parseTombstone } from "../../actors/node/machine/file.ts";
import type { FakeWorld } from "../../nodes/drivers/fake/world.ts";

export function machineFilesOf({ machineFiles }: Pick<FakeWorld, "machineFiles">): readonly string[] {
  return [...machineFiles.keys()].filter(
    (instanceId) =>
      parseTombstone(instanceId, JSON.parse(machineFiles.get(instanceId) ?? "{}")) === undefined,
  );
}
