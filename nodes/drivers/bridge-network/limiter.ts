/**
 * Keeps the bandwidth limits in a fabric as they are planned, whoever has changed them. A tap that is not in
 * the fabric yet has none: nothing passes it. A fabric without limits costs no look at all.
 */
import { StatusError } from "../../../protocol/wire/status.ts";
import { runTool } from "../tool.ts";
import { throwIfAborted } from "../waiting.ts";
import { lookAtLinks } from "./batches.ts";
import type { Fabric } from "./fabric.ts";
import { isSame, limitsOf, limitTable, type PlannedLimit, readLimits, tableText } from "./limit-table.ts";
import { bridgeNetworkLimits } from "./limits.ts";
import type { PlannedTap } from "./plan.ts";

const { toolTimeoutMs: timeoutMs, toolOutputBytesMax: outputBytesMax } = bridgeNetworkLimits;

/** Whether this computer can keep limits, tried in a namespace that goes with the try. */
export async function canLimit(): Promise<boolean> {
  const rate = { bytesPerSecond: 2_500_000, burstBytes: 250_000 };
  const hooks = ["ingress", "egress"] as const;
  const input = tableText(hooks.map((hook) => ({ tap: "lo", hook, ...rate })));
  const argv = ["--net", "nft", "-f", "-"];
  const tried = await runTool("unshare", argv, { timeoutMs, input, endsInput: true }).catch(() => undefined);
  return tried?.exitCode === 0;
}

export class Limiter {
  readonly #fabric: Pick<Fabric, "run">;
  /** The last look found no limits, and none were made since. */
  #isBlank = false;

  constructor(fabric: Pick<Fabric, "run">) {
    this.#fabric = fabric;
  }

  /** @throws StatusError hypervisorRefused when they stay otherwise; AbortError */
  async settle(taps: readonly PlannedTap[], signal: AbortSignal): Promise<void> {
    const wanted = taps.flatMap(({ name, bandwidth }) => limitsOf(name, bandwidth));
    if (wanted.length === 0 && this.#isBlank) return;
    throwIfAborted(signal);
    const links = wanted.length === 0 ? new Map<string, unknown>() : await lookAtLinks(this.#fabric);
    const planned = wanted.filter(({ tap }) => links.has(tap));
    this.#isBlank = false;
    if (!isSame(await this.look(), planned)) await this.#make(planned);
    this.#isBlank = planned.length === 0;
  }

  async #make(planned: readonly PlannedLimit[]): Promise<void> {
    const input = tableText(planned);
    const { errors } = await this.#fabric.run("nft", ["-f", "-"], { timeoutMs, input, endsInput: true });
    if (isSame(await this.look(), planned)) return;
    const detail = errors.trim().slice(0, 500);
    throw new StatusError("hypervisorRefused", "Bandwidth limits of ports could not be set.", { detail });
  }

  /** @throws StatusError hypervisorRefused when they cannot be read */
  async look(): Promise<ReturnType<typeof readLimits>> {
    const argv = ["-j", "list", "table", "netdev", limitTable];
    const { exitCode, output, errors } = await this.#fabric.run("nft", argv, { timeoutMs, outputBytesMax });
    if (exitCode === 0) return readLimits(JSON.parse(output));
    if (/No such file or directory/.test(errors)) return [];
    const detail = errors.trim().slice(0, 500);
    throw new StatusError("hypervisorRefused", "Bandwidth limits of ports cannot be read.", { detail });
  }
}
