/**
 * Tells the operator's network where floating addresses are: when one has come, a few times more over some
 * seconds, and again when the device's link has come up. The kernel itself says it, of all addresses of a
 * device, when the device is given the MAC address that it has already (`arp_notify`).
 */
import { type ChildProcess, spawn } from "node:child_process";
import { Socket } from "node:net";
import type { Clock, Log, Timer } from "../../../../protocol/wire/transport.ts";
import { toolEnvironment } from "../../tool.ts";
import { bridgeNetworkLimits } from "../limits.ts";
import { routingLimits } from "./limits.ts";
import type { PlannedOutside } from "./planned.ts";
import type { Space } from "./spaces.ts";

interface Watched {
  outside: PlannedOutside;
  readonly space: Space;
  readonly told: Set<string>;
  readonly monitor: ChildProcess;
  timers: readonly Timer[];
}

const { toolTimeoutMs: timeoutMs } = bridgeNetworkLimits;

const announcementsMs = Array.from({ length: routingLimits.announcementsMax }, (_, number) =>
  number === 0 ? 0 : routingLimits.announcePauseMs * 2 ** (number - 1),
);

export class Announcer {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lost: () => void;
  /** By space. */
  readonly #watched = new Map<string, Watched>();

  /** @param lost hears that the device of a way outside has gone */
  constructor(clock: Clock, log: Log, lost: () => void) {
    this.#clock = clock;
    this.#log = log;
    this.#lost = lost;
  }

  /** What is there is as planned. Addresses that this life of the agent has not told of are told. */
  settled(outside: PlannedOutside, space: Space): void {
    const watched = this.#watched.get(outside.space) ?? this.#watch(outside, space);
    watched.outside = outside;
    const floating = new Set(outside.customers.flatMap((one) => one.floating));
    for (const address of watched.told) if (!floating.has(address)) watched.told.delete(address);
    const fresh = [...floating].filter((address) => !watched.told.has(address));
    for (const address of fresh) watched.told.add(address);
    if (fresh.length > 0) this.#announce(watched);
  }

  /** Other ways outside are not watched any more. */
  keepOnly(spaces: ReadonlySet<string>): void {
    for (const [name, { monitor, timers }] of this.#watched) {
      if (spaces.has(name)) continue;
      this.#watched.delete(name);
      for (const timer of timers) timer.cancel();
      monitor.kill("SIGKILL");
    }
  }

  #announce(watched: Watched): void {
    for (const timer of watched.timers) timer.cancel();
    watched.timers = announcementsMs.map((afterMs) =>
      this.#clock.after(afterMs, () => void this.#tell(watched)),
    );
  }

  async #tell({ outside: { device, mac }, space, told }: Watched): Promise<void> {
    if (told.size === 0) return;
    const argv = ["link", "set", "dev", device, "address", mac];
    const said = await space.run("ip", argv, { timeoutMs }).catch((error: unknown) => ({
      ...{ exitCode: 1, errors: String(error) },
    }));
    if (said.exitCode !== 0)
      this.#log.warn({ device, error: said.errors.trim() }, "floating addresses could not be announced");
  }

  #watch(outside: PlannedOutside, space: Space): Watched {
    // It ends with the agent, however that ends: else it would hold the namespace.
    const argv = [`--net=${space.path}`, "setpriv", "--pdeathsig=KILL", "ip", "-o", "monitor", "link"];
    const monitor = spawn("nsenter", argv, { env: toolEnvironment, stdio: ["ignore", "pipe", "ignore"] });
    monitor.unref();
    // Else the pipe alone would keep an agent alive that ends.
    if (monitor.stdout instanceof Socket) monitor.stdout.unref();
    const made: Watched = { outside, space, told: new Set(), monitor, timers: [] };
    this.#watched.set(outside.space, made);
    let isUp = true;
    monitor.stdout.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString("utf8").split("\n")) {
        const flags = new RegExp(`: ${made.outside.device}[@:][^<]*<([^>]*)>`).exec(line)?.[1];
        if (flags === undefined) continue;
        if (line.startsWith("Deleted")) {
          this.#lost();
          continue;
        }
        const was = isUp;
        isUp = flags.split(",").includes("LOWER_UP");
        if (isUp && !was) this.#announce(made);
      }
    });
    const lost = (error?: unknown) => {
      if (this.#watched.get(outside.space) !== made) return;
      // The next look begins anew, and tells all again.
      this.#watched.delete(outside.space);
      for (const timer of made.timers) timer.cancel();
      this.#log.warn({ error: String(error ?? "it has ended") }, "nobody looks at the link to the outside");
    };
    monitor.once("error", lost);
    monitor.once("exit", () => lost());
    return made;
  }
}
