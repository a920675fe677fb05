/**
 * A host of the network driver `bridge` for the benchmark `network`, in namespaces that go with it: nothing
 * of the computer's own network is changed. Its ports are made at once, and not one after the other as guests
 * come: a benchmark begins where a host has grown to that size.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { type FileHandle, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { FarPicture, HostNetworking } from "../../protocol/networking.ts";
import { tapName } from "../drivers/bridge-network/device-names.ts";
import { Fabric } from "../drivers/bridge-network/fabric.ts";
import { packetFilter } from "../drivers/bridge-network/index.ts";
import type { BridgeNetwork } from "../drivers/bridge-network/network.ts";
import { assemble } from "../drivers/bridge-network/open.ts";
import { lackOf, lookAround } from "../drivers/bridge-network/probe.ts";
import { guestUser } from "../drivers/guest-user.ts";
import { makeNamespace } from "../drivers/network-namespace.ts";
import type { runTool } from "../drivers/tool.ts";
import { PortFiles } from "../drivers/user-network/port-files.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import { benchPicture, benchPort } from "./network-pictures.ts";
import { killed, openTap } from "./tap-opener.ts";

const timeoutMs = 120_000;
const underlay = "192.0.2.1";
const underlayMtuBytes = 1_450;
export const never = new AbortController().signal;

/** A sentence about what this computer lacks for bridges in namespaces; undefined: nothing. */
export function missingForBridgeBench(): string | undefined {
  const lack = lackOf(lookAround());
  if (lack !== undefined) return lack;
  if (spawnSync("qemu-system-x86_64", ["--version"]).error !== undefined) return "QEMU is not installed";
  return spawnSync("unshare", ["--net", "true"]).status === 0
    ? undefined
    : "network namespaces cannot be made here";
}

export class BenchHost {
  readonly #directory = mkdtempSync(join(tmpdir(), "novact-bench-network-"));
  readonly #log = openLog({ process: "bench", file: join(this.#directory, "bench.log") });
  readonly #outside: FileHandle;
  readonly #files = new PortFiles(this.#directory, this.#log);
  #version = 0;
  fabric!: Fabric;
  network!: BridgeNetwork;

  private constructor(outside: FileHandle) {
    this.#outside = outside;
    this.open();
  }

  static async make(): Promise<BenchHost> {
    const host = new BenchHost(await makeNamespace(systemClock));
    const lines = [
      ...["link set lo up", "link add name cable type veth peer name other"],
      ...[`addr add ${underlay}/24 dev cable`, "link set cable up", "link set other up"],
    ];
    await batch(lines, (argv, input) => host.fabric.runOutside("ip", argv, { timeoutMs, ...input }));
    return host;
  }

  /** As the agent's next life does. */
  open(): void {
    const about = { stateDirectory: this.#directory, clock: systemClock, log: this.#log };
    this.fabric = new Fabric({ ...about, outside: `/proc/${process.pid}/fd/${this.#outside.fd}` });
    const facts = { kind: "bridge", mtuBytesMax: underlayMtuBytes, spansHosts: true, underlay };
    this.network = assemble(about, {
      ...{ fabric: this.fabric, filter: packetFilter(about), ready: async () => undefined },
      // Rules are taken away on purpose.
      watches: false,
      facts: () => facts,
    });
  }

  picture(ports: readonly number[], far: readonly FarPicture[] = []): HostNetworking {
    this.#version += 1;
    return { ...benchPicture(this.#version, ports), ...(far.length > 0 && { far }) };
  }

  /** Puts ports on their bridges, with taps that no process has open; `taps`: those that are to be made. */
  async fill(ports: readonly number[], taps: readonly number[] = ports): Promise<void> {
    await this.network.detach(false);
    for (const one of ports) await this.#files.write(recordOf(one));
    this.open();
    const lines = taps.map((one) => {
      const { portId, instanceId } = benchPort(one);
      return `tuntap add dev ${tapName(portId)} mode tap user ${guestUser(instanceId)?.uid ?? 0} vnet_hdr`;
    });
    await this.inFabric(lines);
    await this.network.apply(this.picture(ports), never);
  }

  inFabric(lines: readonly string[]): Promise<void> {
    return batch(lines, (argv, input) => this.fabric.run("ip", argv, { timeoutMs, ...input }));
  }

  /** A port as a new guest brings it: told of by a picture, made, opened, and plugged in. In ms. */
  async add(index: number, others: readonly number[], far: readonly FarPicture[] = []) {
    const port = recordOf(index);
    const picture = this.picture([...others, index], far);
    const told = await timedMs(() => this.network.apply(picture, never));
    const [made, device] = await timedMs2(() => this.network.ensurePort(port, never));
    const opener = await openTap(device, port.instanceId);
    const plugged = await timedMs(() => this.network.plugged(port.portId, never));
    return { told, made, plugged, all: told + made + plugged, opener };
  }

  /** The guest has ended; its port goes, as the picture says then. In ms. */
  async remove(index: number, others: readonly number[], far: readonly FarPicture[] = []): Promise<number> {
    const picture = this.picture(others, far);
    return timedMs(async () => {
      await this.network.releasePort(benchPort(index).portId, 1, never);
      await this.network.apply(picture, never);
    });
  }

  async close(): Promise<void> {
    await this.network.detach(true);
    await this.#outside.close();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

export { killed };

function recordOf(index: number) {
  const { network: _network, address: _address, ...record } = benchPort(index);
  return record;
}

const timedMs = async (work: () => Promise<unknown>): Promise<number> => (await timedMs2(work))[0];

async function timedMs2<T>(work: () => Promise<T>): Promise<readonly [ms: number, result: T]> {
  const beganMs = performance.now();
  const result = await work();
  return [performance.now() - beganMs, result];
}

type Run = (
  argv: readonly string[],
  input: { readonly input: string; readonly endsInput: true },
) => ReturnType<typeof runTool>;

/** @throws Error when the tool complains */
async function batch(lines: readonly string[], run: Run): Promise<void> {
  if (lines.length === 0) return;
  const input = lines.map((line) => `${line}\n`).join("");
  const { exitCode, errors } = await run(["-batch", "-"], { input, endsInput: true });
  if (exitCode !== 0) throw new Error(errors.trim().slice(0, 1_000));
}
