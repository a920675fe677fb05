/**
 * Hosts of the driver `bridge` with routers, on the computer that runs the specs: two computers with a cable
 * between them, and an operator's network with a server, each a namespace. Guests are namespaces as well,
 * with a program that asks others who they see, and answers the same. Needs root.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { createInterface } from "node:readline";
import { tapName } from "../../nodes/drivers/bridge-network/device-names.ts";
import { packetFilter } from "../../nodes/drivers/bridge-network/index.ts";
import { makeNamespace } from "../../nodes/drivers/network-namespace.ts";
import { runTool } from "../../nodes/drivers/tool.ts";
import { systemClock } from "../../nodes/process/clock.ts";
import { type BridgeHost, makeBridgeHost, makeTwoComputers } from "./bridge-host.ts";
import { macOf, portRecord } from "./fabric-pictures.ts";
import { silentLog } from "./silent-log.ts";

const never = new AbortController().signal;
const timeoutMs = 30_000;
const port = 7_000;

/** Says `address` to whoever asks, and prints what others say; asks from a port for each name. */
const program = `
const { createSocket } = require("node:dgram");
const bind = (port, ready, said, type = "udp4") => {
  const socket = createSocket({ type, ipv6Only: type === "udp6" });
  socket.on("message", (text, { address, port }) => {
    if (text[0] === 63) socket.send(address + " " + text.toString("utf8", 1).trim(), port, address);
    else said(address + " " + text);
  });
  socket.on("error", () => undefined);
  socket.bind(port, ready);
  return socket;
};
let open = 0;
for (const type of ["udp4", "udp6"])
  bind(${port}, () => (open += 1) === 2 && console.log("ready"), () => undefined, type);
const asking = new Map();
require("node:readline").createInterface({ input: process.stdin })
  .on("line", (line) => {
    const [name, address, bytes, token] = line.split(" ");
    const type = address.includes(":") ? "udp6" : "udp4";
    if (!asking.has(name)) asking.set(name, bind(0, undefined, (text) => console.log(name + " " + text), type));
    asking.get(name).send(("?" + token).padEnd(bytes), ${port}, address, () => undefined);
  })
  .on("close", () => process.exit(0));
`;

/** A computer with Linux's own network. */
export class Talker {
  readonly #namespace: FileHandle;
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];

  private constructor(namespace: FileHandle, child: ChildProcess) {
    this.#namespace = namespace;
    this.#child = child;
  }

  static async make(namespace: FileHandle): Promise<Talker> {
    const child = spawn("nsenter", [`--net=${pathOf(namespace)}`, process.execPath, "-e", program], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const talker = new Talker(namespace, child);
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      child.once("error", reject);
      lines.on("line", (line) => {
        if (line === "ready") resolve();
        else talker.#lines.push(line);
      });
    });
    return talker;
  }

  /** The address from which the other one gets the questions; null: the other one does not answer. */
  async seenBy(address: string, times = 150, bytes = 1): Promise<string | null> {
    const name = randomUUID();
    for (let asked = 0; asked < times; asked += 1) {
      this.#ask({ name, address, bytes, token: asked });
      for (let waited = 0; waited < 10; waited += 1) {
        const [line] = this.#linesOf(name);
        if (line !== undefined) return line.split(" ")[2] ?? null;
        await pause(10);
      }
    }
    return null;
  }

  /** Asks from one port again and again, until it is stopped. */
  asking(address: string) {
    const name = randomUUID();
    let [sent, isOver] = [0, false];
    const answered = () => new Set(this.#linesOf(name).map((line) => line.split(" ")[3])).size;
    const run = (async () => {
      for (; !isOver; sent += 1) {
        this.#ask({ name, address, bytes: 1, token: sent });
        await pause(20);
      }
    })();
    return {
      answered,
      /** How many questions have no answer yet. */
      open: () => sent - answered(),
      stop: () => {
        isOver = true;
        return run;
      },
    };
  }

  #ask({
    name,
    address,
    bytes,
    token,
  }: {
    name: string;
    address: string;
    bytes: number;
    token: number;
  }): void {
    this.#child.stdin?.write(`${name} ${address} ${bytes} ${token}\n`);
  }

  #linesOf(name: string): readonly string[] {
    return this.#lines.filter((line) => line.startsWith(`${name} `));
  }

  async ip(...lines: readonly string[]): Promise<string> {
    return ipIn(pathOf(this.#namespace), lines);
  }

  /** Runs a tool there, to its end. @throws Error when it complains */
  async run(command: string, argv: readonly string[]): Promise<string> {
    const inside = [`--net=${pathOf(this.#namespace)}`, command, ...argv];
    const { exitCode, output, errors } = await runTool("nsenter", inside, { timeoutMs });
    if (exitCode !== 0) throw new Error(errors);
    return output;
  }

  async close(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#namespace.close();
  }
}

const pause = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs));
const pathOf = ({ fd }: FileHandle): string => `/proc/${process.pid}/fd/${fd}`;

async function ipIn(path: string, lines: readonly string[]): Promise<string> {
  const input = lines.map((line) => `${line}\n`).join("");
  const argv = [`--net=${path}`, "ip", "-batch", "-"];
  const { exitCode, output, errors } = await runTool("nsenter", argv, { timeoutMs, input, endsInput: true });
  if (exitCode !== 0) throw new Error(errors);
  return output;
}

export const nodeAddress = (index: number): string => `203.0.113.${7 + index}`;
export const serverAddress = "203.0.113.1";

/** Two hosts, and the operator's network `office`, on which both of them are. */
export async function makeRoutedHosts() {
  const [computers, outside] = [await makeTwoComputers(), await makeNamespace(systemClock)];
  const talkers: Talker[] = [];
  await ipIn(pathOf(outside), [
    ...["link set lo up", "link add name office type bridge", "link set office up"],
    `addr add ${serverAddress}/24 dev office`,
  ]);
  const mendOutside = async (index: number) => {
    const path = computers.computers[index]?.outside ?? "";
    await ipIn(pathOf(outside), [
      `link add name port${index} type veth peer name eth1 netns ${path}`,
      `link set port${index} master office up`,
    ]);
    await ipIn(path, ["link set eth1 up"]);
  };
  for (const index of computers.computers.keys()) await mendOutside(index);
  const hosts = await Promise.all(
    computers.computers.map((computer, index) =>
      makeBridgeHost({
        ...{ ...computer, filter: packetFilter({ clock: systemClock, log: silentLog }) },
        ways: { office: { device: "eth1", address: `${nodeAddress(index)}/24` } },
      }),
    ),
  );
  const server = await Talker.make(outside);
  return {
    hosts,
    server,
    computers: computers.computers,
    /** The computer's device to the outside goes away. */
    cutOutside: (index: number) => ipIn(pathOf(outside), [`link del port${index}`]),
    /** It is back, as another device. */
    mendOutside,
    /** A guest at a port of the pictures, on a host; the next picture puts it on its bridge. */
    plug: async (
      host: BridgeHost,
      number: number,
      network: number,
      /** `asks6`: its kernel listens to advertisements of routers, and nobody gives it an address of IPv6. */
      at: { address: string; gateway: string; address6?: string; gateway6?: string; asks6?: boolean },
    ) => {
      const [record, namespace] = [portRecord(number, network), await makeNamespace(systemClock)];
      const talker = await Talker.make(namespace);
      talkers.push(talker);
      await host.network.ensurePort(record, never);
      const [path, guest] = [await host.fabric.path(), pathOf(namespace)];
      const peer = `peer name eth0 address ${macOf(number)} netns ${guest}`;
      await ipIn(path, [`link add name ${tapName(record.portId)} type veth ${peer}`]);
      await talker.ip(
        ...["link set lo up", `link set dev eth0 addrgenmode ${at.asks6 ? "eui64" : "none"} mtu 1400 up`],
        ...[`addr add ${at.address}/24 dev eth0`, `route add default via ${at.gateway}`],
      );
      const { address6, gateway6 } = at;
      if (address6 !== undefined)
        await talker.ip(
          ...["link set dev eth0 down", "link set dev eth0 addrgenmode eui64 up"],
          ...[`addr add ${address6}/64 dev eth0 nodad`, `route add default via ${at.gateway}`],
          ...(gateway6 === undefined ? [] : [`route add default via ${gateway6}`]),
        );
      return talker;
    },
    close: async () => {
      for (const talker of talkers) await talker.close();
      for (const host of hosts) await host.close();
      await server.close();
      await computers.close();
    },
  };
}
export type RoutedHosts = Awaited<ReturnType<typeof makeRoutedHosts>>;
