/** The network driver `bridge`, assembled: for an agent that is root, on one computer or many. */
import { StatusError } from "../../../protocol/wire/status.ts";
import { programFile } from "../../package/program-files.ts";
import type { DriverContext, NetworkDriver } from "../kinds.ts";
import { bridgeNetworkFacts } from "./facts.ts";
import type { PacketFilter } from "./filter.ts";
import { openBridgeNetwork } from "./open.ts";
import { tryDevices } from "./probe.ts";
import { ResponderKeeper } from "./responder-keeper.ts";
import { RuleFilter } from "./rules/packet-filter.ts";
import { probeRules } from "./rules/probe.ts";

type Parts = Pick<DriverContext, "clock" | "log">;

/** Rules of nftables, and a responder for what guests ask. */
export const packetFilter = ({ clock, log }: Parts): PacketFilter =>
  new RuleFilter({
    ...{ clock, log },
    responder: new ResponderKeeper({ clock, log, program: programFile("responder/main") }),
  });

export const bridgeNetwork: NetworkDriver<typeof bridgeNetworkFacts.options> = {
  ...bridgeNetworkFacts,
  open: ({ stateDirectory, clock, log }, options) =>
    openBridgeNetwork({ stateDirectory, clock, log }, options, {
      filter: packetFilter({ clock, log }),
      ready: async () => {
        await tryDevices();
        const [lack] = await probeRules(clock);
        if (lack !== undefined) throw new StatusError("hypervisorRefused", `${lack} Or write network: user.`);
      },
    }),
};
