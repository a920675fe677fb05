/**
 * Looks at a fabric, and carries out the steps that its plan asks for: a few processes for all steps, not one
 * for each. A step that fails keeps none of the others back; another look says what is there afterwards.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import type { ToolResult } from "../tool.ts";
import { throwIfAborted } from "../waiting.ts";
import type { Fabric } from "./fabric.ts";
import { bridgeNetworkLimits } from "./limits.ts";
import type { PlannedTunnel } from "./plan.ts";
import { readLinks, readNeighbours, readPlaces, readRoutes, type Seen, type SeenLink } from "./seen.ts";
import { readTraffic, type SeenTraffic } from "./seen-traffic.ts";
import { removed, type Steps, tunnelUdpPort } from "./steps.ts";

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;
const all = ["-force", "-batch", "-"];
const inputOf = (lines: readonly string[]) => ({
  ...{ timeoutMs, outputBytesMax, endsInput: true, input: lines.map((line) => `${line}\n`).join("") },
});

/** @throws StatusError hypervisorRefused */
export async function look(fabric: Fabric): Promise<Seen> {
  const ofIp = ["link show", "neigh show nud permanent", "route show"];
  const [first, second] = await Promise.all([
    fabric.run("ip", ["-j", "-d", ...all], inputOf(ofIp)),
    fabric.run("bridge", ["-j", ...all], inputOf(["fdb show"])),
  ]);
  const [links, neighbours, routes] = answersOf(first, ofIp.length);
  const [places] = answersOf(second, 1);
  return {
    ...{ links: readLinks(links), places: readPlaces(places) },
    ...{ neighbours: readNeighbours(neighbours), routes: readRoutes(routes) },
  };
}

/** The devices alone. @throws StatusError hypervisorRefused */
export async function lookAtLinks(fabric: Pick<Fabric, "run">): Promise<Seen["links"]> {
  const said = await fabric.run("ip", ["-j", "-d", ...all], inputOf(["link show"]));
  return readLinks(answersOf(said, 1)[0]);
}

/** What has passed each device of the fabric. @throws StatusError hypervisorRefused */
export async function lookAtTraffic(fabric: Pick<Fabric, "run">): Promise<ReadonlyMap<string, SeenTraffic>> {
  const said = await fabric.run("ip", ["-j", "-s", ...all], inputOf(["link show"]));
  return readTraffic(answersOf(said, 1)[0]);
}

/**
 * These devices alone; those that are not there are left out. Undefined: the tool's words are not understood.
 */
export async function lookAtDevices(
  names: readonly string[],
  run: Fabric["run"],
): Promise<Seen["links"] | undefined> {
  if (names.length === 0) return new Map();
  const lines = names.map((name) => `link show dev ${name}`);
  const { output, errors } = await run("ip", ["-j", "-d", ...all], inputOf(lines));
  const said = output.split("\n").filter((line) => line.trim() !== "");
  const links = readLinks(said.flatMap((line) => JSON.parse(line) as readonly unknown[]));
  const gone = names.filter((name) => errors.includes(`"${name}" does not exist`));
  return links.size + gone.length === names.length ? links : undefined;
}

/** Taps that no hypervisor has opened, or that are not in the fabric yet. @throws StatusError */
export async function lookAmongPlugs(fabric: Fabric): Promise<Seen["links"]> {
  const said = await fabric.runAmongPlugs("ip", ["-j", "-d", ...all], inputOf(["link show"]));
  return readLinks(answersOf(said, 1)[0]);
}

/** A line for each command. */
function answersOf({ exitCode, output, errors }: ToolResult, count: number): readonly unknown[] {
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  if (exitCode === 0 && lines.length === count) return lines.map((line) => JSON.parse(line));
  const detail = errors.trim().slice(0, 500);
  throw new StatusError("hypervisorRefused", "The host's network cannot be read.", { detail });
}

/** What the tools complain of; empty: nothing. @throws AbortError */
export async function carryOut(steps: Steps, fabric: Fabric, signal: AbortSignal): Promise<string> {
  const { before, tunnels, links, places } = steps;
  const complaints: string[] = [];
  const batch = async (run: Promise<ToolResult>) => {
    const { exitCode, errors } = await run;
    if (exitCode !== 0) complaints.push(errors.trim());
  };
  const ofFabric = (tool: string, lines: readonly string[]) => {
    throwIfAborted(signal);
    return lines.length === 0 ? undefined : batch(fabric.run(tool, all, inputOf(lines)));
  };
  await ofFabric("ip", before);
  if (tunnels.length > 0) {
    const lines = await tunnelLines(tunnels, fabric);
    await batch(fabric.runAtUnderlay("ip", all, inputOf(lines)));
  }
  await ofFabric("ip", links);
  await ofFabric("bridge", places);
  return complaints.join("\n");
}

/** Run where the host reaches others, by whose network the packets go; the devices appear in the fabric. */
async function tunnelLines(tunnels: readonly PlannedTunnel[], fabric: Fabric): Promise<readonly string[]> {
  const path = await fabric.path();
  return tunnels.map(({ name, number, local }) => {
    const vxlan = `vxlan id ${number} local ${local} dstport ${tunnelUdpPort} nolearning`;
    return `link add dev ${name} netns ${path} type ${vxlan}`;
  });
}

export async function removeDevices(names: readonly string[], fabric: Fabric): Promise<void> {
  if (names.length > 0) await fabric.run("ip", all, inputOf(names.map(removed)));
}

/** Makes a tap that a user may open. @throws StatusError */
export async function makeTap(name: string, userId: number, fabric: Fabric): Promise<void> {
  const lines = [
    `tuntap add dev ${name} mode tap user ${userId} vnet_hdr`,
    // A tap that is up shows by its carrier whether a process has it open.
    `link set dev ${name} addrgenmode none up`,
  ];
  const { exitCode, errors } = await fabric.runAmongPlugs("ip", ["-batch", "-"], inputOf(lines));
  if (exitCode === 0) return;
  const detail = errors.trim();
  throw new StatusError("hypervisorRefused", `The tap ${name} could not be made on the host.`, { detail });
}

export async function removePlugs(names: readonly string[], fabric: Fabric): Promise<void> {
  if (names.length > 0) await fabric.runAmongPlugs("ip", all, inputOf(names.map(removed)));
}

/** From where hypervisors have opened them to where packets pass. */
export async function moveTaps(taps: readonly Pick<SeenLink, "name">[], fabric: Fabric): Promise<string> {
  if (taps.length === 0) return "";
  const path = await fabric.path();
  const lines = taps.map(({ name }) => `link set dev ${name} netns ${path}`);
  return (await fabric.runAmongPlugs("ip", all, inputOf(lines))).errors.trim();
}
