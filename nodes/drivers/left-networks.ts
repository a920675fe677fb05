/** What `up` asks of networks and guests that its nodes have left, by their state directories. */
import { existsSync, realpathSync } from "node:fs";
import { endResidents, fabricDirectory } from "./bridge-network/holder.ts";
import { makeStateDirectories } from "./guest-directory.ts";
import { findGuests } from "./qemu/guest-process.ts";

export {
  deviceNames,
  findMark,
  makeDevices,
  markOfPath,
  removeDevices,
} from "./bridge-network/computer-devices.ts";
export { lackOfBridges } from "./bridge-network/suits.ts";

/** Ends the processes that hold what killed agents have made for guests. */
export async function endFabrics(stateDirectories: readonly string[]): Promise<void> {
  for (const directory of stateDirectories.map(fabricDirectory))
    if (existsSync(directory)) await endResidents(realpathSync(directory));
}

/** Whether a real guest of one of the nodes runs. */
export async function anyGuestRuns(stateDirectories: readonly string[]): Promise<boolean> {
  for (const directory of stateDirectories.filter((one) => existsSync(one)))
    if ((await findGuests(makeStateDirectories(directory))).length > 0) return true;
  return false;
}
