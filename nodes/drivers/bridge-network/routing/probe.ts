/**
 * Whether this computer can route, and which of the node's ways outside work, tried in namespaces that are
 * gone afterwards. Of a way that does not work it is said why: guests of the others go on.
 */
import type { Clock, Log } from "../../../../protocol/wire/transport.ts";
import type { Fabric } from "../fabric.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { makeScratch, type Scratch } from "../rules/kernel-rules.ts";
import { wholeText } from "../rules/text.ts";
import type { OutsideOption, OutsideOptions } from "./options.ts";
import { ownAddress } from "./plan-outside.ts";
import type { PlannedOutside, PlannedRouter } from "./planned.ts";
import { outsideRules, routerRules } from "./rules.ts";

const { toolTimeoutMs: timeoutMs } = bridgeNetworkLimits;

const router: PlannedRouter = {
  ...{ space: "", interfaces: [], neighbours: [], routes: [], prefixes: ["192.0.2.0/24", "2001:db8::/64"] },
  leave: { space: "", device: "", transit: "169.254.1.1", mtuBytes: 1_500, snat: true },
  floating: [{ address: "203.0.113.1", target: "192.0.2.1" }],
};
const outside: PlannedOutside = {
  ...{ space: "", device: "nvo0", parent: "", mac: "", address: "203.0.113.7/24", gateway: null, ranges: [] },
  customers: [{ device: "nve0", transit: "169.254.1.1", mtuBytes: 1_500, floating: ["203.0.113.1"] }],
};

export interface Probing {
  readonly fabric: Pick<Fabric, "runOutside">;
  readonly outside: OutsideOptions;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Ways {
  /** Those that may work by and by: the computer's device may be there again. */
  readonly all: OutsideOptions;
  /** Names of the outside networks whose devices work now. */
  readonly working: readonly string[];
}

/** Null: this computer cannot route. @throws Error */
export async function probeRouting({ fabric, outside: options, clock, log }: Probing): Promise<Ways | null> {
  const scratch = await makeScratch(clock);
  try {
    const lack = await lackOfRules(scratch);
    if (lack !== undefined) {
      log.warn({ lack }, "this computer cannot route between networks of guests");
      return null;
    }
    const working: string[] = [];
    for (const [physicalNetwork, option] of Object.entries(options)) {
      const why = await lackOfWay(option, scratch, fabric);
      if (why === undefined) working.push(physicalNetwork);
      else log.error({ physicalNetwork, ...option, why }, "a way outside of this node does not work");
    }
    const sound = Object.entries(options).filter(([, { address }]) => ownAddress(address) !== undefined);
    return { all: Object.fromEntries(sound), working };
  } finally {
    await scratch.close();
  }
}

async function lackOfRules(scratch: Scratch): Promise<string | undefined> {
  for (const rules of [routerRules(router), outsideRules(outside)]) {
    const input = wholeText(rules);
    const said = await scratch.run("nft", ["-f", "-"], { timeoutMs, input, endsInput: true });
    if (said.exitCode !== 0) return said.errors.trim().split("\n")[0] ?? "nft fails";
  }
  return undefined;
}

async function lackOfWay(
  { device, address }: OutsideOption,
  scratch: Scratch,
  fabric: Probing["fabric"],
): Promise<string | undefined> {
  if (ownAddress(address) === undefined) return `${address} is no address of IPv4 with a prefix.`;
  const path = scratch.path;
  const argv = [
    "link",
    "add",
    "name",
    "nvo0",
    "link",
    device,
    "netns",
    path,
    "type",
    "macvlan",
    "mode",
    "bridge",
  ];
  const { exitCode, errors } = await fabric.runOutside("ip", argv, { timeoutMs });
  if (exitCode === 0) {
    await scratch.run("ip", ["link", "del", "dev", "nvo0"], { timeoutMs });
    return undefined;
  }
  const said = errors.trim().split("\n")[0] ?? "";
  return said.includes("Cannot find device")
    ? `This computer has no device ${device}: write another one, or take the way away.`
    : `A device on ${device} cannot be made: ${said}`;
}
