/**
 * An agent's driver `bridge` that makes a port, opens it, and lets go of it, and is killed before a step:
 * `dying-bridge.ts STATE STEP`. Ends well when there are fewer steps than that.
 */
import { openTap } from "../../nodes/bench/tap-opener.ts";
import { Fabric } from "../../nodes/drivers/bridge-network/fabric.ts";
import { assemble } from "../../nodes/drivers/bridge-network/open.ts";
import type { ToolOptions, ToolResult } from "../../nodes/drivers/tool.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { passingAll, ready } from "./bridge-host.ts";
import { silentLog } from "./driver-world.ts";
import { networkPicture, portPicture, portRecord } from "./fabric-pictures.ts";

const [, , stateDirectory = "", step = ""] = process.argv;
const never = new AbortController().signal;
let left = Number(step);

const count = (): void => {
  left -= 1;
  if (left === 0) process.kill(process.pid, "SIGKILL");
};

class DyingFabric extends Fabric {
  override run(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult> {
    count();
    return super.run(command, argv, options);
  }

  override runAmongPlugs(
    command: string,
    argv: readonly string[],
    options: ToolOptions,
  ): Promise<ToolResult> {
    count();
    return super.runAmongPlugs(command, argv, options);
  }
}

const about = { stateDirectory, clock: systemClock, log: silentLog };
const network = assemble(about, {
  ...{ fabric: new DyingFabric(about), filter: passingAll, ready },
  facts: () => ({ kind: "bridge", mtuBytesMax: 1_450, spansHosts: false }),
});
const port = portRecord(1);
const version = 3 * Number(step);
await network.apply({ version, groups: [], networks: [networkPicture([portPicture(1)])] }, never);
const device = await network.ensurePort(port, never);
const hypervisor = await openTap(device, port.instanceId);
await network.plugged(port.portId, never);
hypervisor.kill("SIGKILL");
await network.apply({ version: version + 1, groups: [], networks: [] }, never);
await network.releasePort(port.portId, 1, never);
await network.detach(false);
process.exit(0);
