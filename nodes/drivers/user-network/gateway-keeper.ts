/**
 * Keeps the gateways of a host as the picture has them: one process for each subnet of which guests are
 * published here, with exactly these ports open. What cannot be opened is tried again, and it is said why.
 * Guests run on without it: this file must never fail for who plugs in or applies a picture.
 */
import { createServer } from "node:net";
import type { Unpublished } from "../../../actors/ports/network.ts";
import type { Log } from "../../../protocol/wire/transport.ts";
import { isMissing } from "../durable-file.ts";
import { endGateway, findGateway, GatewayMonitor, startGateway } from "./gateway-process.ts";
import type { Forward, Gateway, Publishing } from "./gateways.ts";
import { afterSilence, firstHearing, type Hearing, isHung } from "./hearing.ts";
import { type KeptPlace, KeptProcesses } from "./kept-processes.ts";
import { userNetworkLimits } from "./limits.ts";

/** A gateway as it was left at the last look. */
interface Kept {
  readonly pid: number;
  /** The gateway that was wanted then, as text. */
  readonly wanted: string;
  readonly failures: readonly Unpublished[];
  /** The switch was: nobody is let in before, and it is looked again soon. */
  readonly isConnected: boolean;
  readonly atMs: number;
}

const { gatewayProbePeriodMs, gatewayRetryMs } = userNetworkLimits;

export class GatewayKeeper {
  readonly #place: KeptPlace;
  readonly #log: Log;
  readonly #processes: KeptProcesses;
  #wanted: Publishing = { gateways: [], unpublished: [] };
  readonly #kept = new Map<string, Kept>();
  /** By gateway: whether the one that lives answers. */
  readonly #hearings = new Map<string, Hearing>();
  #said = new Map<string, string>();

  /** `place`: of this node's gateways alone. */
  constructor(place: KeptPlace, log: Log) {
    this.#place = place;
    this.#log = log;
    const keeping = {
      ...{ what: "gateway", wanted: () => this.#wanted.gateways.map(({ id }) => id) },
      keep: () => this.#keepAll(),
      ended: (id: string) => {
        for (const known of [this.#kept, this.#hearings]) known.delete(id);
      },
    };
    this.#processes = new KeptProcesses(place, keeping, log);
  }

  /** Where the switch connects to it. */
  socketOf(id: string): string {
    return this.#processes.socketOf(id);
  }

  /** From now on; it is brought about soon. */
  want(wanted: Publishing): void {
    this.#wanted = wanted;
    this.#processes.lookSoon();
  }

  /** What of it is not published at present, and why. */
  get unpublished(): readonly Unpublished[] {
    const failures = this.#wanted.gateways.flatMap(({ id, forwards }) => {
      const kept = this.#kept.get(id);
      if (kept !== undefined) return kept.failures;
      return forwards.map((one) => ({ id: one.id, why: "The gateway of the subnet has not begun." }));
    });
    return [...this.#wanted.unpublished, ...failures];
  }

  /** The agent ends. `guests`: and so have they, and nobody calls them any more. */
  detach(guests: boolean): Promise<void> {
    return this.#processes.detach(guests);
  }

  async #keepAll(): Promise<void> {
    // All at once: one that hangs must not keep another subnet's from beginning.
    await Promise.all(
      this.#wanted.gateways.map((gateway) =>
        this.#keep(gateway).catch((error: unknown) => this.#failed(gateway, String(error))),
      ),
    );
    this.#say();
  }

  async #keep(gateway: Gateway): Promise<void> {
    const directory = this.#processes.directoryOf(gateway.id);
    const pid = findGateway(directory);
    if (pid === undefined) return this.#start(gateway);
    const wanted = JSON.stringify(gateway);
    const kept = this.#kept.get(gateway.id);
    const nowMs = this.#place.clock.monotonicMs();
    if (kept?.pid === pid && kept.wanted === wanted && !isDue(kept, nowMs)) return;
    const opened = await this.#open(gateway, directory).catch(async (error: unknown) => {
      await this.#heardNothing(gateway.id, pid);
      // It has just begun.
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (opened === undefined) return;
    const atMs = this.#place.clock.monotonicMs();
    this.#hearings.set(gateway.id, firstHearing(pid, atMs));
    this.#processes.proven(gateway.id);
    this.#kept.set(gateway.id, { pid, wanted, ...opened, atMs });
  }

  /** Ends the gateway that hangs; the next look starts another one. */
  async #heardNothing(id: string, pid: number): Promise<void> {
    const nowMs = this.#place.clock.monotonicMs();
    const known = this.#hearings.get(id);
    const hearing = afterSilence(known?.pid === pid ? known : firstHearing(pid, nowMs));
    this.#hearings.set(id, hearing);
    if (!isHung(hearing, nowMs)) return;
    this.#log.warn({ pid }, "a gateway of this host hangs: it is ended, and another one is started");
    await endGateway(this.#processes.directoryOf(id), this.#place.clock);
    this.#hearings.delete(id);
  }

  /**
   * Closes what is not wanted, and opens what is not open once the switch is connected.
   * @throws Error when the gateway does not answer
   */
  async #open({ forwards }: Gateway, directory: string): Promise<Pick<Kept, "failures" | "isConnected">> {
    const monitor = await GatewayMonitor.open(directory, { clock: this.#place.clock, log: this.#log });
    try {
      const open = await monitor.open();
      for (const one of open) if (!forwards.some((wanted) => isSame(wanted, one))) await monitor.remove(one);
      if (!(await monitor.isConnected())) return { failures: forwards.map(unconnected), isConnected: false };
      const failures: Unpublished[] = [];
      for (const forward of forwards) {
        if (open.some((one) => isSame(one, forward)) || (await monitor.add(forward))) continue;
        failures.push({ id: forward.id, why: await whyNot(forward) });
      }
      return { failures, isConnected: true };
    } finally {
      monitor.close();
    }
  }

  #start(gateway: Gateway): void {
    this.#kept.delete(gateway.id);
    this.#processes.start(gateway.id, (directory) => startGateway(directory, this.#place.emulator, gateway));
  }

  #failed({ id, forwards }: Gateway, error: string): void {
    this.#log.warn({ error }, "a gateway of this host does not answer");
    const failures = forwards.map((one) => ({
      id: one.id,
      why: "The gateway of the subnet does not answer.",
    }));
    this.#kept.set(id, {
      ...{ pid: 0, wanted: "", failures, isConnected: false },
      atMs: this.#place.clock.monotonicMs(),
    });
  }

  /** Once for each that is not published, and once when it is again. */
  #say(): void {
    const now = new Map(this.unpublished.map(({ id, why }) => [id, why]));
    for (const [id, why] of now)
      if (this.#said.get(id) !== why) this.#log.warn({ publishedPort: id, why }, "a port is not published");
    for (const id of this.#said.keys())
      if (!now.has(id)) this.#log.info({ publishedPort: id }, "a port is published, or not wanted any more");
    this.#said = now;
  }
}

const unconnected = ({ id }: Forward): Unpublished => ({
  ...{ id, why: "The host's switch is not connected to the gateway of the subnet." },
});

const isDue = ({ failures, isConnected, atMs }: Kept, nowMs: number): boolean =>
  !isConnected || nowMs - atMs >= (failures.length > 0 ? gatewayRetryMs : gatewayProbePeriodMs);

const isSame = (
  one: Pick<Forward, "hostAddress" | "hostPort" | "address" | "port">,
  other: Pick<Forward, "hostAddress" | "hostPort" | "address" | "port">,
): boolean =>
  one.hostAddress === other.hostAddress &&
  one.hostPort === other.hostPort &&
  one.address === other.address &&
  one.port === other.port;

/** QEMU does not say it: the port is tried by the agent itself. */
function whyNot({ hostAddress, hostPort }: Forward): Promise<string> {
  const place = `${hostAddress}:${hostPort}`;
  const words: Readonly<Record<string, string>> = {
    EADDRINUSE: `Another program of the host listens at ${place}.`,
    EACCES: `The host's agent may not listen at ${place}.`,
  };
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", ({ code = "" }: NodeJS.ErrnoException) =>
      resolve(words[code] ?? `The host cannot listen at ${place} (${code}).`),
    );
    server.listen({ host: hostAddress, port: hostPort, exclusive: true }, () =>
      server.close(() => resolve(`The host could not listen at ${place}; it tries again.`)),
    );
  });
}
