/**
 * Ends what the driver `user` has left on a host that has another network driver now, or whose agent
 * publishes no ports any more: gateways go on listening, ways outside stay, and a switch goes on passing
 * packets by a picture that nobody renews. Must never touch what is not of this node, nor end a switch that
 * another node has plugs in.
 */
import { existsSync, realpathSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { programFile } from "../../package/program-files.ts";
import { isMissing } from "../durable-file.ts";
import type { DriverContext } from "../kinds.ts";
import { endGateway } from "./gateway-process.ts";
import { canPublish } from "./ports.ts";
import { SwitchKeeper } from "./switch-keeper.ts";
import { switchPlace } from "./switch-process.ts";

type Place = Pick<DriverContext, "hostId" | "stateDirectory" | "computerDirectory" | "clock" | "log">;

export const gatewaysDirectory = (stateDirectory: string): string =>
  join(stateDirectory, "network", "gateways");
/** Of the ways outside. */
export const exitsDirectory = (stateDirectory: string): string => join(stateDirectory, "network", "exits");

/**
 * `driver`: the node's network driver; null: none. Never throws: guests are to start all the same. What could
 * not be ended is tried by the next life.
 */
export async function endLeavings(place: Place, driver: string | null): Promise<void> {
  const { log, stateDirectory } = place;
  const isOwn = driver === "user";
  if (!isOwn || !canPublish())
    for (const directory of [gatewaysDirectory(stateDirectory), exitsDirectory(stateDirectory)])
      await endProcesses(directory, place);
  if (isOwn) return;
  try {
    await leaveSwitch(place);
  } catch (error) {
    log.error(
      { error: String(error) },
      "the switch of the driver user could not be told that its node left it",
    );
  }
}

async function endProcesses(directory: string, { clock, log }: Pick<Place, "clock" | "log">): Promise<void> {
  if (!existsSync(directory)) return;
  for (const id of await namesIn(directory))
    try {
      const own = join(realpathSync(directory), id);
      await endGateway(own, clock);
      await rm(own, { recursive: true, force: true });
      log.info({ gateway: id }, "a gateway or a way outside was ended, since this node has none any more");
    } catch (error) {
      log.error(
        { gateway: id, error: String(error) },
        "a gateway or a way outside of this host does not end",
      );
    }
}

async function leaveSwitch({ hostId, computerDirectory, clock, log }: Place): Promise<void> {
  if (!existsSync(join(computerDirectory, "switch", hostId))) return;
  const place = switchPlace(computerDirectory, hostId);
  await new SwitchKeeper({ ...place, program: programFile("switch/main"), clock }, log).detach(true);
  await rm(place.directory, { recursive: true, force: true });
  log.info({}, "this node has left the switch of the driver user, since its network driver is another one");
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
