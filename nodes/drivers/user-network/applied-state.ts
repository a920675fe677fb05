/** What a node's switch says it has applied, for whoever looks from beside the driver. Changes nothing. */
import { join } from "node:path";
import { readSwitchApplied, readSwitchState, type SwitchState, switchFiles } from "../../switch/state.ts";

/** Undefined: there is no switch, or it has not applied what it was told. */
export async function appliedState(
  computerDirectory: string,
  hostId: string,
): Promise<Pick<SwitchState, "networking" | "plugs"> | undefined> {
  const directory = join(computerDirectory, "switch", hostId);
  const said = await readSwitchState(join(directory, switchFiles.state)).catch(() => undefined);
  const applied = await readSwitchApplied(join(directory, switchFiles.applied));
  return said !== undefined && applied?.state === said.hash ? said.state : undefined;
}
