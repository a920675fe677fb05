/**
 * Makes the devices that lead into routers and ways outside. Each is one of a pair, or made on a device of
 * the computer's, and so is made elsewhere than where it is needed. Nothing of it is up yet, and the other
 * end of a pair that has lost one is removed before.
 */
import type { ToolOptions, ToolResult } from "../../tool.ts";
import type { Fabric } from "../fabric.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { leaveDevice, transitMacs } from "./names.ts";
import type { PlannedLeave, PlannedOutside, RoutingPlan } from "./planned.ts";
import type { Space } from "./spaces.ts";

export interface Making {
  readonly plan: RoutingPlan;
  /** Names of devices that are missing, by space. */
  readonly missing: ReadonlyMap<string, ReadonlySet<string>>;
  readonly spaceOf: (name: string) => Space;
  readonly fabric: Fabric;
}

const { toolTimeoutMs: timeoutMs } = bridgeNetworkLimits;

/** The look that follows finds what has failed; the tool's words are for people. */
type Run = (tool: string, argv: readonly string[], options: ToolOptions) => Promise<ToolResult>;
async function batch(run: Run, lines: readonly string[]): Promise<string> {
  if (lines.length === 0) return "";
  const input = lines.map((line) => `${line}\n`).join("");
  return (await run("ip", ["-force", "-batch", "-"], { timeoutMs, input, endsInput: true })).errors.trim();
}

/**
 * Answers the spaces in which devices were made or removed, whether the fabric's end of one was, and what the
 * tools complain of.
 */
export async function makeMissing({ plan, missing, spaceOf, fabric }: Making) {
  const lacks = (space: string, device: string) => missing.get(space)?.has(device) === true;
  const interfaces = plan.routers.flatMap((router) =>
    router.interfaces
      .filter(({ device }) => lacks(router.space, device))
      .map((one) => ({ ...one, space: router.space })),
  );
  const leaves = plan.routers.flatMap(({ space, leave }) =>
    leave !== null && (lacks(space, leaveDevice) || lacks(leave.space, leave.device))
      ? [{ ...leave, router: space }]
      : [],
  );
  const ways = plan.outsides.filter(({ space, device }) => lacks(space, device));
  const gone = (device: string) => `link del dev ${device}`;
  // A device that is not there cannot be removed: complaints of this mean nothing.
  await batch(
    (...of) => fabric.run(...of),
    interfaces.map(({ device }) => gone(device)),
  );
  for (const { space, device } of ways) await batch(spaceOf(space).run, [gone(device)]);
  for (const { space, device, router } of leaves) {
    await batch(spaceOf(space).run, [gone(device)]);
    await batch(spaceOf(router).run, [gone(leaveDevice)]);
  }
  const complaints = [
    await batch(
      (...of) => fabric.run(...of),
      interfaces.map(({ device, mac, space }) => {
        const peer = `peer name ${device} address ${mac} netns ${spaceOf(space).path}`;
        return `link add name ${device} type veth ${peer}`;
      }),
    ),
    await batch(
      (...of) => fabric.runOutside(...of),
      ways.map((way) => wayLine(way, spaceOf(way.space).path)),
    ),
  ];
  for (const way of ways)
    await batch(spaceOf(way.space).run, [`link set dev ${way.device} alias ${way.parent}`]);
  for (const leave of leaves)
    complaints.push(await batch(spaceOf(leave.space).run, [leaveLine(leave, spaceOf(leave.router).path)]));
  const touched = [
    ...ways.map(({ space }) => space),
    ...leaves.flatMap(({ space, router }) => [space, router]),
  ];
  const remade = interfaces.length > 0;
  return { touched: new Set(touched), remade, complaints: complaints.filter((one) => one !== "").join("\n") };
}

const wayLine = ({ device, parent, mac }: PlannedOutside, path: string): string =>
  `link add name ${device} link ${parent} address ${mac} netns ${path} type macvlan mode bridge`;

function leaveLine({ device }: PlannedLeave, routerPath: string): string {
  const peer = `peer name ${leaveDevice} address ${transitMacs.router} netns ${routerPath}`;
  return `link add name ${device} address ${transitMacs.outside} type veth ${peer}`;
}
