/** The network driver `user`, assembled: for an agent that may not be root, on one computer. */
import { programFile } from "../../package/program-files.ts";
import type { NetworkDriver } from "../kinds.ts";
import { qemuFacts } from "../qemu/facts.ts";
import { ExitKeeper } from "./exit-keeper.ts";
import { userNetworkFacts } from "./facts.ts";
import { GatewayKeeper } from "./gateway-keeper.ts";
import { exitsDirectory, gatewaysDirectory } from "./leavings.ts";
import { UserNetwork } from "./network.ts";
import { PortFiles } from "./port-files.ts";
import { canPublish } from "./ports.ts";
import { SwitchKeeper } from "./switch-keeper.ts";
import { switchPlace } from "./switch-process.ts";

const { emulator } = qemuFacts.programs;

export const userNetwork: NetworkDriver<typeof userNetworkFacts.options> = {
  ...userNetworkFacts,
  open({ hostId, stateDirectory, computerDirectory, clock, log }, { underlay, outside = [] }) {
    const files = new PortFiles(stateDirectory, log);
    const place = switchPlace(computerDirectory, hostId);
    const keeper = new SwitchKeeper({ ...place, program: programFile("switch/main"), clock }, log);
    const directory = gatewaysDirectory(stateDirectory);
    const gateways = canPublish() ? new GatewayKeeper({ directory, emulator, clock }, log) : undefined;
    const exitPlace = { directory: exitsDirectory(stateDirectory), emulator, clock };
    const exits = canPublish() ? new ExitKeeper(exitPlace, log) : undefined;
    return new UserNetwork({ files, keeper, gateways, exits, hostId, log, underlay, outside });
  },
};
