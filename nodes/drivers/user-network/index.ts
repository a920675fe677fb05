/** The network driver `user`, assembled: for an agent that may not be root, on one computer. */
import { programFile } from "../../package/program-files.ts";
import type { NetworkDriver } from "../kinds.ts";
import { userNetworkFacts } from "./facts.ts";
import { UserNetwork } from "./network.ts";
import { PortFiles } from "./port-files.ts";
import { SwitchKeeper } from "./switch-keeper.ts";
import { switchPlace } from "./switch-process.ts";

export const userNetwork: NetworkDriver<typeof userNetworkFacts.options> = {
  ...userNetworkFacts,
  open({ hostId, stateDirectory, computerDirectory, clock, log }, { underlay }) {
    const files = new PortFiles(stateDirectory, log);
    const place = switchPlace(computerDirectory, hostId);
    const keeper = new SwitchKeeper({ ...place, program: programFile("switch/main"), clock }, log);
    return new UserNetwork({ files, keeper, log, underlay });
  },
};
