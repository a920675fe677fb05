/**
 * What the rules of the driver `bridge` cost packets: two ports of one host, whose guests are namespaces,
 * send to each other with the rules and without, in turns, so that other load slows both alike.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { FileHandle } from "node:fs/promises";
import { createInterface, type Interface } from "node:readline";
import { bridgeName, tapName } from "../drivers/bridge-network/device-names.ts";
import { makeNamespace } from "../drivers/network-namespace.ts";
import { systemClock } from "../process/clock.ts";
import { round } from "./figures.ts";
import { BenchHost, killed, never } from "./network-host.ts";
import { benchPort } from "./network-pictures.ts";
import type { Note } from "./note.ts";

export interface PathSizes {
  /** Ports of the host beside the two that speak. */
  readonly ports: number;
  readonly pairs: number;
  readonly seconds: number;
  readonly roundTrips: number;
}

/** What one way has: gigabits a second, and the median round trip. */
interface Figures {
  readonly gbitPerSecond: number;
  readonly roundTripUs: number;
}

const [server, client] = [0, 1];

export async function path(sizes: PathSizes, note: Note): Promise<unknown> {
  const host = await BenchHost.make();
  const guests: Guest[] = [];
  try {
    const others = Array.from({ length: sizes.ports }, (_, index) => index + 2);
    const ports = [server, client, ...others];
    for (const one of [server, client]) guests.push(await Guest.plug(host, one));
    await host.fill(ports, others);
    const [to, from] = guests;
    if (to === undefined || from === undefined) throw new Error("There are two guests.");
    await to.run(servingProgram);
    await from.run(callingProgram(benchPort(server).address));
    const picture = host.picture(ports);
    // A picture that is told again is compared with everything.
    const rulesOn = async () => {
      await host.network.apply(picture, never);
      await assertRules(host);
    };
    const measured: { readonly on: Figures; readonly off: Figures }[] = [];
    for (let pair = 0; pair < sizes.pairs; pair += 1) {
      await rulesOn();
      const on = await from.measure(sizes);
      await rulesOff(host);
      measured.push({ on, off: await from.measure(sizes) });
    }
    const figures = { ports: ports.length, ...verdictOf(measured), measured };
    note("path", figures);
    return figures;
  } finally {
    for (const one of guests) await one.close();
    await host.close();
  }
}

const median = (values: readonly number[]): number =>
  round(values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0);

function verdictOf(pairs: readonly { readonly on: Figures; readonly off: Figures }[]) {
  const lost = pairs.map(({ on, off }) => 100 * (1 - on.gbitPerSecond / off.gbitPerSecond));
  return {
    throughputLostPercent: median(lost),
    roundTripAddedUs: median(pairs.map(({ on, off }) => on.roundTripUs - off.roundTripUs)),
    target: "at most 30 % and 50 µs",
  };
}

/** @throws Error when they are not as a host has them: figures without them would be those of nothing */
async function assertRules(host: BenchHost): Promise<void> {
  const { output } = await host.fabric.run("nft", ["list", "tables"], { timeoutMs: 30_000 });
  for (const table of ["table bridge nv", "table inet nv"])
    if (!output.split("\n").includes(table)) throw new Error(`There is no ${table}.`);
}

/** As a bridge is of which no packet goes through the host's filter of IP. */
async function rulesOff(host: BenchHost): Promise<void> {
  const text = ["bridge", "inet"].map((family) => `delete table ${family} nv\n`).join("");
  const options = { timeoutMs: 30_000, input: text, endsInput: true };
  const { exitCode, errors } = await host.fabric.run("nft", ["-f", "-"], options);
  if (exitCode !== 0) throw new Error(errors);
  const bridge = bridgeName(benchPort(server).networkId);
  await host.inFabric([`link set dev ${bridge} type bridge nf_call_iptables 0 nf_call_ip6tables 0`]);
}

/** A namespace that is the guest of a port, by a cable in place of the tap. */
class Guest {
  readonly #namespace: FileHandle;
  #child: ChildProcess | undefined;
  #lines: Interface | undefined;
  #ended: Promise<never> | undefined;

  private constructor(namespace: FileHandle) {
    this.#namespace = namespace;
  }

  static async plug(host: BenchHost, index: number): Promise<Guest> {
    const guest = new Guest(await makeNamespace(systemClock));
    const { portId, mac } = benchPort(index);
    const cable = `type veth peer name eth0 address ${mac} netns ${guest.#path}`;
    await host.inFabric([`link add dev ${tapName(portId)} ${cable}`]);
    await guest.#inside(["ip", "link", "set", "dev", "lo", "up"]);
    const { address, mtuBytes } = benchPort(index);
    await guest.#inside(["ip", "addr", "add", `${address}/24`, "dev", "eth0"]);
    await guest.#inside(["ip", "link", "set", "dev", "eth0", "mtu", `${mtuBytes}`, "up"]);
    return guest;
  }

  get #path(): string {
    return `/proc/${process.pid}/fd/${this.#namespace.fd}`;
  }

  #spawn(argv: readonly string[]): ChildProcess {
    return spawn("nsenter", [`--net=${this.#path}`, ...argv], { stdio: ["pipe", "pipe", "inherit"] });
  }

  async #inside(argv: readonly string[]): Promise<void> {
    const child = this.#spawn(argv);
    const code = await new Promise((resolve) => child.once("exit", resolve));
    if (code !== 0) throw new Error(`${argv.join(" ")} ended with ${code}.`);
  }

  /** Starts a program of Node; resolves when it says that it is ready. */
  async run(program: string): Promise<void> {
    const child = this.#spawn([process.execPath, "-e", program]);
    this.#child = child;
    if (child.stdout === null) throw new Error("It says nothing.");
    this.#lines = createInterface({ input: child.stdout });
    this.#ended = once(child, "exit").then(() => {
      throw new Error("The program of a guest has ended.");
    });
    this.#ended.catch(() => undefined);
    await this.#line();
  }

  async measure({ seconds, roundTrips }: PathSizes): Promise<Figures> {
    this.#child?.stdin?.write(`${JSON.stringify({ seconds, roundTrips })}\n`);
    const { bytes, elapsedMs, roundTripUs } = JSON.parse(await this.#line());
    return { gbitPerSecond: round((bytes * 8) / elapsedMs / 1e6), roundTripUs: round(roundTripUs) };
  }

  async #line(): Promise<string> {
    if (this.#lines === undefined || this.#ended === undefined) throw new Error("No program was started.");
    const [line] = await Promise.race([once(this.#lines, "line"), this.#ended]);
    return line;
  }

  async close(): Promise<void> {
    if (this.#child !== undefined) await killed(this.#child);
    await this.#namespace.close();
  }
}

/** Counts what comes by TCP, says its number at the end, and sends each datagram back. */
const servingProgram = `
  const echo = require("node:dgram").createSocket("udp4");
  echo.on("message", (bytes, { port, address }) => echo.send(bytes, port, address));
  const server = require("node:net").createServer({ allowHalfOpen: true }, (socket) => {
    let bytes = 0;
    socket.on("data", (chunk) => { bytes += chunk.length; });
    socket.on("end", () => socket.end(String(bytes)));
  });
  echo.bind(5_000, () => server.listen(5_000, "0.0.0.0", () => console.log("ready")));
`;

const callingProgram = (address: string): string => `
  const { connect } = require("node:net");
  const chunk = Buffer.alloc(256 * 1024);
  const stream = (seconds) => new Promise((resolve, reject) => {
    let answer = "";
    const beganMs = performance.now();
    const socket = connect({ port: 5_000, host: "${address}", allowHalfOpen: true });
    const push = () => {
      while (performance.now() - beganMs < seconds * 1_000)
        if (!socket.write(chunk)) return;
      socket.end();
    };
    socket.on("connect", push).on("drain", push).on("error", reject);
    socket.on("data", (text) => { answer += text; });
    socket.on("end", () => resolve({ bytes: Number(answer), elapsedMs: performance.now() - beganMs }));
  });
  const caller = require("node:dgram").createSocket("udp4");
  const trips = (count) => new Promise((resolve) => {
    const samples = [];
    let sentMs = 0;
    const send = () => {
      sentMs = performance.now();
      caller.send("?", 5_000, "${address}");
    };
    const take = () => {
      samples.push(performance.now() - sentMs);
      if (samples.length < count) return send();
      caller.off("message", take).emit("done");
      resolve(1_000 * samples.sort((one, other) => one - other)[Math.floor(count / 2)]);
    };
    caller.on("message", take);
    send();
    // A datagram may be lost: it is sent again, and its sample is a long one.
    const again = setInterval(() => performance.now() - sentMs > 500 && send(), 100);
    caller.once("done", () => clearInterval(again));
  });
  require("node:readline").createInterface({ input: process.stdin }).on("line", async (line) => {
    const { seconds, roundTrips } = JSON.parse(line);
    await trips(Math.min(100, roundTrips));
    const roundTripUs = await trips(roundTrips);
    console.log(JSON.stringify({ ...(await stream(seconds)), roundTripUs }));
  });
  console.log("ready");
`;
