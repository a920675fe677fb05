/**
 * Whether this computer can filter what passes a bridge, tried in a namespace that is gone afterwards:
 * kernels and tools differ, and a rule that is not taken is found here, and not when a guest is to start.
 */
import { spawnSync } from "node:child_process";
import type { Clock } from "../../../../protocol/wire/transport.ts";
import { makeNamespace } from "../../network-namespace.ts";
import { runTool, type ToolResult } from "../../tool.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { compile } from "./compile.ts";
import { emptyLedger, nextLedger } from "./ledger.ts";
import { probedPicture, probedPorts } from "./probed-picture.ts";
import { wholeText } from "./text.ts";

const { toolTimeoutMs: timeoutMs } = bridgeNetworkLimits;

const tools = [
  { tool: "nft", argv: ["--version"], named: "nftables" },
  { tool: "conntrack", argv: ["--version"], named: "conntrack" },
] as const;

/** What is missing, in sentences; empty: nothing. Needs root. */
export async function probeRules(clock: Clock): Promise<readonly string[]> {
  const lacking = tools.filter(({ tool, argv }) => spawnSync(tool, argv, { timeout: timeoutMs }).error);
  if (lacking.length > 0)
    return lacking.map(({ tool, named }) => `${tool} is not installed (Debian's package ${named}).`);
  // A kernel that has it as a module loads it at nobody's wish but this one's.
  await runTool("modprobe", ["--quiet", "br_netfilter"], { timeoutMs }).catch(() => undefined);
  const scratch = await makeNamespace(clock);
  try {
    const path = `/proc/${process.pid}/fd/${scratch.fd}`;
    const run = (argv: readonly string[], input?: string): Promise<ToolResult> =>
      runTool("nsenter", [`--net=${path}`, ...argv], {
        timeoutMs,
        ...(input === undefined ? {} : { input, endsInput: true }),
      });
    return await judged(run);
  } finally {
    await scratch.close();
  }
}

async function judged(run: (argv: readonly string[], input?: string) => Promise<ToolResult>) {
  const ledger = nextLedger(
    emptyLedger,
    probedPicture,
    probedPorts.map(({ portId }) => portId),
  );
  const text = wholeText(compile({ networking: probedPicture, ports: probedPorts }, ledger));
  const [loaded, relay, listed] = [
    await run(["nft", "-f", "-"], text),
    await run(["cat", "/proc/sys/net/bridge/bridge-nf-call-iptables"]),
    await run(["conntrack", "-L"]),
  ];
  const why = loaded.errors.trim().split("\n")[0] ?? "";
  return [
    ...(loaded.exitCode === 0 ? [] : [`The kernel or nft does not take the rules of bridges: ${why}.`]),
    ...(relay.exitCode === 0
      ? []
      : ["The kernel does not show its connection table what passes a bridge (br_netfilter)."]),
    ...(listed.exitCode === 0 ? [] : [`The kernel's connections cannot be read: ${listed.errors.trim()}.`]),
  ];
}
