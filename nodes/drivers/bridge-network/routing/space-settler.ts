/** Looks at the namespace of a router or of a way outside, and makes it what its plan says. */
import { existsSync } from "node:fs";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { ToolResult } from "../../tool.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { refused } from "../rules/nft.ts";
import { readSpace, type SpaceSeen, spaceQuestions } from "./space-seen.ts";
import type { SpaceState } from "./space-state.ts";
import { isSettled, spaceSteps } from "./space-steps.ts";
import type { Space } from "./spaces.ts";

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;

const batch = (space: Space, argv: readonly string[], lines: readonly string[]): Promise<ToolResult> =>
  space.run("ip", [...argv, "-force", "-batch", "-"], {
    ...{ timeoutMs, outputBytesMax, endsInput: true, input: lines.map((line) => `${line}\n`).join("") },
  });

/** @throws StatusError hypervisorRefused */
export async function lookAtSpace(space: Space): Promise<SpaceSeen> {
  const { exitCode, output, errors } = await batch(space, ["-j", "-d"], spaceQuestions);
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  if (exitCode === 0 && lines.length === spaceQuestions.length)
    return readSpace(lines.map((line) => JSON.parse(line)));
  throw refused("A router of the host cannot be read.", errors.trim().slice(0, 500));
}

/** @throws StatusError hypervisorRefused when it stays otherwise */
export async function settleSpace(space: Space, wanted: SpaceState, complaints: string): Promise<void> {
  const steps = spaceSteps(wanted, await lookAtSpace(space));
  if (isSettled(steps)) return;
  const { errors } = await batch(space, [], steps.lines);
  const left = spaceSteps(wanted, await lookAtSpace(space));
  if (isSettled(left)) return;
  const missing = left.missing.map(({ name }) => `make ${name}`);
  const detail = [complaints, errors.trim(), ...missing, ...left.lines.slice(0, 3)]
    .join("\n")
    .slice(0, 1_000);
  throw new StatusError("hypervisorRefused", "A router of the host is not as its picture says.", { detail });
}

/** Devices that are made later have what is said for `default`. */
const conf = (name: string, both = true): readonly string[] =>
  (both ? ["all", "default"] : ["default"]).map((of) => `/proc/sys/net/ipv4/conf/${of}/${name}`);
const settings: readonly (readonly [value: string, files: readonly string[]])[] = [
  [
    "0",
    [
      // Answers may come by another way than questions went.
      ...["rp_filter", "accept_redirects", "send_redirects", "accept_source_route"].flatMap((one) =>
        conf(one),
      ),
      ...["accept_ra", "autoconf", "accept_redirects"].map((one) => `/proc/sys/net/ipv6/conf/default/${one}`),
    ],
  ],
  ["1", ["/proc/sys/net/ipv4/ip_forward", ...conf("arp_notify", false)]],
];

/** The way outside answers for floating addresses at once, not after a while. @throws StatusError */
export async function answerAtOnce(space: Space, device: string): Promise<void> {
  const file = `/proc/sys/net/ipv4/neigh/${device}/proxy_delay`;
  const { exitCode, errors } = await space.run("tee", [file], { timeoutMs, input: "0\n", endsInput: true });
  if (exitCode !== 0) throw refused("A way outside of the host could not be set up.", errors.trim());
}

/** A way outside leads no packets of IPv6. */
const settingsFor = (routes6: boolean): typeof settings => [
  ...settings,
  [routes6 ? "1" : "0", ["all", "default"].map((of) => `/proc/sys/net/ipv6/conf/${of}/forwarding`)],
];

/** What a namespace needs before there are devices, by one program. @throws StatusError hypervisorRefused */
export async function prepareSpace(space: Space, routes6: boolean): Promise<void> {
  const writes = settingsFor(routes6).map(([value, files]) => {
    const there = files.filter((file) => existsSync(file));
    return `echo ${value} | tee ${there.join(" ")} >/dev/null`;
  });
  const lines = ["set -e", ...writes, "ip link set dev lo up"];
  const { exitCode, errors } = await space.run("sh", ["-c", lines.join("\n")], { timeoutMs });
  if (exitCode !== 0) throw refused("A router of the host could not be set up.", errors.trim());
}
