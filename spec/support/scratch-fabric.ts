/**
 * A network namespace with a bridge for each network, for specs of packet rules: guests whose frames a spec
 * writes and reads itself, behind a tap that QEMU has open, and guests with Linux's own network, each in a
 * namespace of its own. Bridges learn nothing and flood everything, so that nothing but the rules
 * keeps a frame back. Needs root.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { type FileHandle, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bridgeMac, bridgeName, tapName } from "../../nodes/drivers/bridge-network/device-names.ts";
import type { FabricEntrance, ServiceRoute } from "../../nodes/drivers/bridge-network/filter.ts";
import { endResidents } from "../../nodes/drivers/bridge-network/holder.ts";
import { linkLocalMask } from "../../nodes/drivers/bridge-network/steps.ts";
import { makeNamespace } from "../../nodes/drivers/network-namespace.ts";
import { runTool, type ToolOptions, type ToolResult } from "../../nodes/drivers/tool.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { FakeNic } from "./fake-nic.ts";

const timeoutMs = 30_000;

/** Undefined: nothing is missing. */
export function missingForFabrics(): string | undefined {
  if (process.getuid?.() !== 0) return "it needs root, for network namespaces";
  for (const [tool, argv] of [
    ["nft", ["--version"]],
    ["conntrack", ["--version"]],
    ["qemu-system-x86_64", ["--version"]],
  ] as const)
    if (spawnSync(tool, argv).error !== undefined) return `${tool} is not installed`;
  const made = spawnSync("unshare", ["--net", "ip", "link", "add", "name", "b0", "type", "bridge"]);
  return made.status === 0 ? undefined : "the kernel makes no bridge in a new network namespace";
}

export class ScratchFabric implements FabricEntrance {
  readonly directory = mkdtempSync(join(tmpdir(), "novact-fabric-"));
  readonly #own: FileHandle;
  readonly #guests: FileHandle[] = [];
  readonly #children: ChildProcess[] = [];

  private constructor(own: FileHandle) {
    this.#own = own;
  }

  static async make(): Promise<ScratchFabric> {
    const fabric = new ScratchFabric(await makeNamespace(systemClock));
    await fabric.ip(["link set lo up", "addr add 169.254.169.254/32 dev lo"]);
    await fabric.zero(["all", "default"].map((one) => `ipv4/conf/${one}/rp_filter`));
    return fabric;
  }

  async path(): Promise<string> {
    return pathOf(this.#own);
  }

  run(command: string, argv: readonly string[], options: ToolOptions): Promise<ToolResult> {
    return runIn(this.#own, command, argv, options);
  }

  /** @throws Error when the tool complains */
  async told(command: string, argv: readonly string[], input?: string): Promise<string> {
    const given = input === undefined ? {} : { input, endsInput: true };
    const { exitCode, output, errors } = await this.run(command, argv, { timeoutMs, ...given });
    if (exitCode !== 0) throw new Error(`${command} ${argv.join(" ")}: ${errors}`);
    return output;
  }

  async ip(lines: readonly string[]): Promise<void> {
    await this.told("ip", ["-batch", "-"], lines.map((line) => `${line}\n`).join(""));
  }

  async zero(names: readonly string[]): Promise<void> {
    const paths = names.map((name) => `/proc/sys/net/${name}`);
    await this.told("tee", paths, "0\n");
  }

  async makeBridge(networkId: string): Promise<void> {
    const name = bridgeName(networkId);
    const filtered = "mcast_snooping 0 nf_call_iptables 1 nf_call_ip6tables 1";
    await this.ip([
      `link add name ${name} address ${bridgeMac(networkId)} type bridge ${filtered}`,
      `link set dev ${name} addrgenmode none up`,
      `neigh replace 169.254.169.254 lladdr ${bridgeMac(networkId)} dev ${name} nud permanent`,
    ]);
  }

  async routes(services: readonly ServiceRoute[]): Promise<void> {
    await this.ip(
      services.flatMap(({ address, bridge, mac }) => [
        `route replace ${address} dev ${bridge}`,
        `neigh replace ${address} lladdr ${mac} dev ${bridge} nud permanent`,
      ]),
    );
  }

  /** A card of which the spec is the guest. Its tap is on the bridge when this returns. */
  async plugCard(portId: string, networkId: string): Promise<FakeNic> {
    const [tap, path] = [tapName(portId), join(this.directory, `${portId}.socket`)];
    const card = await FakeNic.listen(path);
    await this.ip([`tuntap add dev ${tap} mode tap`, ...enslaved(tap, networkId)]);
    const argv = [
      ...["-machine", "none", "-nodefaults", "-display", "none"],
      ...["-netdev", `tap,id=t,ifname=${tap},script=no,downscript=no,vnet_hdr=off`],
      ...["-netdev", `stream,id=s,server=off,addr.type=unix,addr.path=${path}`],
      ...["-netdev", "hubport,id=a,hubid=0,netdev=t", "-netdev", "hubport,id=b,hubid=0,netdev=s"],
    ];
    const child = spawn("nsenter", [`--net=${await this.path()}`, "qemu-system-x86_64", ...argv], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#children.push(child);
    let complaint = "";
    child.stderr.on("data", (chunk: Buffer) => {
      complaint += chunk.toString();
    });
    const ended = new Promise<never>((_, reject) => {
      child.once("exit", () => reject(new Error(`QEMU has ended: ${complaint}`)));
    });
    ended.catch(() => undefined);
    await Promise.race([card.until(() => card.isConnected), ended]);
    return card;
  }

  /** A guest with Linux's own network. */
  async plugHost(portId: string, networkId: string, guest: { mac: string; addresses: readonly string[] }) {
    const namespace = await makeNamespace(systemClock);
    this.#guests.push(namespace);
    const tap = tapName(portId);
    await this.ip([
      `link add dev ${tap} type veth peer name eth0 address ${guest.mac} netns ${pathOf(namespace)}`,
      ...enslaved(tap, networkId),
    ]);
    const lines = [
      "link set lo up",
      "link set dev eth0 addrgenmode eui64 up",
      ...guest.addresses.map((one) => `addr add ${one} dev eth0${one.includes(":") ? " nodad" : ""}`),
    ];
    const input = lines.map((line) => `${line}\n`).join("");
    const { exitCode, errors } = await runIn(namespace, "ip", ["-batch", "-"], {
      timeoutMs,
      input,
      endsInput: true,
    });
    if (exitCode !== 0) throw new Error(errors);
    return {
      /** Starts a script of Node there; it talks by its standard input and output. */
      node: (script: string): ChildProcess => this.#nodeIn(namespace, script),
      run: (command: string, argv: readonly string[]) => runIn(namespace, command, argv, { timeoutMs }),
    };
  }

  /** Starts a script of Node in the fabric itself. */
  node(script: string): ChildProcess {
    return this.#nodeIn(this.#own, script);
  }

  #nodeIn(namespace: FileHandle, script: string): ChildProcess {
    const child = spawn("nsenter", [`--net=${pathOf(namespace)}`, process.execPath, "-e", script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#children.push(child);
    return child;
  }

  /** With the last descriptor everything that is in a namespace goes. */
  async close(): Promise<void> {
    for (const child of this.#children) child.kill("SIGKILL");
    await endResidents(this.directory);
    for (const one of [...this.#guests, this.#own]) await one.close();
    await rm(this.directory, { recursive: true, force: true });
  }
}

const pathOf = ({ fd }: FileHandle): string => `/proc/${process.pid}/fd/${fd}`;

const enslaved = (tap: string, networkId: string): readonly string[] => [
  `link set dev ${tap} master ${bridgeName(networkId)}`,
  `link set dev ${tap} type bridge_slave learning off group_fwd_mask ${linkLocalMask}`,
  `link set dev ${tap} addrgenmode none up`,
];

const runIn = (namespace: FileHandle, command: string, argv: readonly string[], options: ToolOptions) =>
  runTool("nsenter", [`--net=${pathOf(namespace)}`, command, ...argv], options);
