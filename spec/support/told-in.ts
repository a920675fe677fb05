/** What the guest of a port is told by its host, as the file in a node's state directory has it. */
import { join } from "node:path";
import type { PortSpec, ToldGuest } from "../../actors/ports/network.ts";
import { readToldFile } from "../../nodes/metadata/told-file.ts";

export async function toldIn(
  stateDirectory: string,
  { portId, instanceId }: Pick<PortSpec, "portId" | "instanceId">,
): Promise<ToldGuest | undefined> {
  const said = await readToldFile(join(stateDirectory, "network", "ports", `${portId}.told`), instanceId);
  if (said === undefined) return undefined;
  const { instanceId: _, ...told } = said;
  return told;
}
