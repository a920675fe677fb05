/**
 * Stands in for a switch's process where only its driver is looked at: says that it has applied each state,
 * and carries nothing. A file `stand-in.json` in its directory makes it another version that is deaf.
 *
 *   node stand-in-switch.ts --directory DIRECTORY
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { livingStat } from "../../nodes/drivers/process-owners.ts";
import { ownVersion } from "../../nodes/package/program-files.ts";
import {
  readSwitchApplied,
  readSwitchState,
  switchFiles,
  writeSwitchApplied,
} from "../../nodes/switch/state.ts";

const lookPeriodMs = 50;
const [, home = ""] = process.argv.slice(2);
/** One node is enough here. */
const [node = ""] = readdirSync(home, { withFileTypes: true }).flatMap((one) =>
  one.isDirectory() ? one.name : [],
);
const directory = join(home, node);
const own = join(directory, "stand-in.json");
const { release = ownVersion(), fault = null }: { release?: string; fault?: string | null } = existsSync(own)
  ? JSON.parse(readFileSync(own, "utf8"))
  : {};
const { startTicks = 0 } = livingStat(process.pid) ?? {};

async function look(): Promise<void> {
  const { state, hash } = await readSwitchState(join(directory, switchFiles.state));
  await writeSwitchApplied(join(directory, switchFiles.applied), {
    ...{ pid: process.pid, startTicks, release, plugs: 0, fault },
    version: fault === null ? (state.networking?.version ?? null) : null,
    state: fault === null ? hash : null,
  });
}

const before = await readSwitchApplied(join(directory, switchFiles.applied));
if (before !== undefined && livingStat(before.pid)?.startTicks === before.startTicks) process.exit(0);
let looking = Promise.resolve();
const lookInTurn = () => {
  // Without its directory it ends; on a full disk it tries again.
  looking = looking.then(look).catch(() => (existsSync(directory) ? undefined : process.exit(0)));
};
process.on("SIGHUP", lookInTurn);
process.on("SIGTERM", () => process.exit(0));
setInterval(lookInTurn, lookPeriodMs);
lookInTurn();
