/**
 * Keeps the gateways of a host as the picture has them: one process for each subnet of which guests are
 * published here, with exactly these ports open. What cannot be opened is tried again, and it is said why.
 * Guests run on without it: this file must never fail for who plugs in or applies a picture.
 */
import type { ChildProcess } from "node:child_process";
import { mkdirSync, realpathSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { Unpublished } from "../../../actors/ports/network.ts";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import { isMissing } from "../durable-file.ts";
import { Turns } from "../waiting.ts";
import { endGateway, findGateway, GatewayMonitor, gatewayFiles, startGateway } from "./gateway-process.ts";
import type { Forward, Gateway, Publishing } from "./gateways.ts";
import { afterSilence, firstHearing, type Hearing, isHung } from "./hearing.ts";
import { userNetworkLimits } from "./limits.ts";

export interface GatewayPlace {
  /** Of this node's gateways alone. */
  readonly directory: string;
  /** The program: QEMU. */
  readonly emulator: string;
  readonly clock: Clock;
}

/** A gateway that this agent has started. */
interface Started {
  readonly child: ChildProcess;
  readonly atMs: number;
  ended: boolean;
}

/** A gateway as it was left at the last look. */
interface Kept {
  readonly pid: number;
  /** The gateway that was wanted then, as text. */
  readonly wanted: string;
  readonly failures: readonly Unpublished[];
  readonly atMs: number;
}

const { gatewayLookPeriodMs, gatewayProbePeriodMs, gatewayRetryMs } = userNetworkLimits;
const { gatewaySilenceMsMax, switchRestartBackoffMsMax } = userNetworkLimits;

export class GatewayKeeper {
  readonly #place: GatewayPlace;
  readonly #log: Log;
  readonly #turns = new Turns();
  #wanted: Publishing = { gateways: [], unpublished: [] };
  readonly #kept = new Map<string, Kept>();
  /** By gateway: started by this agent, and not found by its pid yet. */
  readonly #started = new Map<string, Started>();
  /** By gateway: whether the one that lives answers. */
  readonly #hearings = new Map<string, Hearing>();
  /** By gateway: when one may be started again, and after which pause. */
  readonly #pauses = new Map<string, { readonly ms: number; readonly untilMs: number }>();
  #said = new Map<string, string>();
  #timer: Timer | undefined;
  #detached = false;

  constructor(place: GatewayPlace, log: Log) {
    mkdirSync(place.directory, { recursive: true, mode: 0o700 });
    this.#place = { ...place, directory: realpathSync(place.directory) };
    this.#log = log;
  }

  /** Where the switch connects to it. */
  socketOf(id: string): string {
    return join(this.#place.directory, id, gatewayFiles.socket);
  }

  /** From now on; it is brought about soon. */
  want(wanted: Publishing): void {
    this.#wanted = wanted;
    this.#lookSoon(0);
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
  async detach(guests: boolean): Promise<void> {
    this.#detached = true;
    this.#timer?.cancel();
    await this.#turns.run("gateways", async () => {
      if (guests) await this.#endAllBut(new Set());
    });
  }

  #lookSoon(ms: number): void {
    if (this.#detached) return;
    this.#timer?.cancel();
    this.#timer = this.#place.clock.after(ms, () => void this.#lookInTurn());
  }

  async #lookInTurn(): Promise<void> {
    try {
      await this.#turns.run("gateways", () => this.#look());
    } catch (error) {
      this.#log.error({ error: String(error) }, "the gateways of this host could not be looked after");
    }
    if (this.#wanted.gateways.length > 0) this.#lookSoon(gatewayLookPeriodMs);
  }

  async #look(): Promise<void> {
    if (this.#detached) return;
    const { gateways } = this.#wanted;
    await this.#endAllBut(new Set(gateways.map(({ id }) => id)));
    // All at once: one that hangs must not keep another subnet's from beginning.
    await Promise.all(
      gateways.map((gateway) =>
        this.#keep(gateway).catch((error: unknown) => this.#failed(gateway, String(error))),
      ),
    );
    this.#say();
  }

  async #endAllBut(ids: ReadonlySet<string>): Promise<void> {
    const others = (await readdir(this.#place.directory)).filter((id) => !ids.has(id));
    await Promise.all(
      others.map((id) =>
        this.#end(id).catch((error: unknown) =>
          this.#log.error({ gateway: id, error: String(error) }, "a gateway of this host does not end"),
        ),
      ),
    );
  }

  async #end(id: string): Promise<void> {
    const directory = join(this.#place.directory, id);
    await this.#endStarted(id);
    await endGateway(directory, this.#place.clock);
    await rm(directory, { recursive: true, force: true });
    for (const known of [this.#kept, this.#started, this.#pauses, this.#hearings]) known.delete(id);
  }

  /** One that has just begun may not have written its number yet. */
  async #endStarted(id: string): Promise<void> {
    const started = this.#started.get(id);
    if (started === undefined || started.ended) return;
    const ended = new Promise((resolve) => started.child.once("exit", resolve));
    started.child.kill("SIGKILL");
    await ended;
  }

  async #keep(gateway: Gateway): Promise<void> {
    const directory = join(this.#place.directory, gateway.id);
    const pid = findGateway(directory);
    if (pid === undefined) return this.#start(gateway, directory);
    const wanted = JSON.stringify(gateway);
    const kept = this.#kept.get(gateway.id);
    const nowMs = this.#place.clock.monotonicMs();
    if (kept?.pid === pid && kept.wanted === wanted && !isDue(kept, nowMs)) return;
    const failures = await this.#open(gateway, directory).catch(async (error: unknown) => {
      await this.#heardNothing(gateway.id, pid);
      // It has just begun.
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (failures === undefined) return;
    const atMs = this.#place.clock.monotonicMs();
    this.#hearings.set(gateway.id, firstHearing(pid, atMs));
    this.#pauses.delete(gateway.id);
    this.#kept.set(gateway.id, { pid, wanted, failures, atMs });
  }

  /** Ends the gateway that hangs; the next look starts another one. */
  async #heardNothing(id: string, pid: number): Promise<void> {
    const nowMs = this.#place.clock.monotonicMs();
    const known = this.#hearings.get(id);
    const hearing = afterSilence(known?.pid === pid ? known : firstHearing(pid, nowMs));
    this.#hearings.set(id, hearing);
    if (!isHung(hearing, nowMs)) return;
    this.#log.warn({ pid }, "a gateway of this host hangs: it is ended, and another one is started");
    await endGateway(join(this.#place.directory, id), this.#place.clock);
    this.#hearings.delete(id);
  }

  /** Opens what is not open, and closes what is. @throws Error when the gateway does not answer */
  async #open({ forwards }: Gateway, directory: string): Promise<readonly Unpublished[]> {
    const monitor = await GatewayMonitor.open(directory, { clock: this.#place.clock, log: this.#log });
    try {
      const open = await monitor.open();
      for (const one of open) if (!forwards.some((wanted) => isSame(wanted, one))) await monitor.remove(one);
      const failures: Unpublished[] = [];
      for (const forward of forwards) {
        if (open.some((one) => isSame(one, forward)) || (await monitor.add(forward))) continue;
        failures.push({ id: forward.id, why: await whyNot(forward) });
      }
      return failures;
    } finally {
      monitor.close();
    }
  }

  #start(gateway: Gateway, directory: string): void {
    const { id, address } = gateway;
    this.#kept.delete(id);
    const nowMs = this.#place.clock.monotonicMs();
    const { ms, untilMs } = this.#pauses.get(id) ?? { ms: gatewayLookPeriodMs, untilMs: 0 };
    if (this.#isBeginning(id, nowMs) || nowMs < untilMs) return;
    this.#pauses.set(id, { ms: Math.min(2 * ms, switchRestartBackoffMsMax), untilMs: nowMs + ms });
    const child = startGateway(directory, this.#place.emulator, gateway);
    const started: Started = { child, atMs: nowMs, ended: false };
    this.#started.set(id, started);
    this.#log.info({ pid: child.pid, address }, "a gateway was started for published ports");
    const ended = () => {
      started.ended = true;
      if (!this.#detached) this.#lookSoon(0);
    };
    child.once("exit", ended);
    child.once("error", (error) => {
      this.#log.error({ error: String(error) }, "a gateway of this host could not be started");
      ended();
    });
    this.#lookSoon(0);
  }

  /** A gateway that never writes its process id is ended as well: the agent is its parent. */
  #isBeginning(id: string, nowMs: number): boolean {
    const started = this.#started.get(id);
    if (started === undefined || started.ended) return false;
    if (nowMs - started.atMs >= gatewaySilenceMsMax) started.child.kill("SIGKILL");
    return true;
  }

  #failed({ id, forwards }: Gateway, error: string): void {
    this.#log.warn({ error }, "a gateway of this host does not answer");
    const failures = forwards.map((one) => ({
      id: one.id,
      why: "The gateway of the subnet does not answer.",
    }));
    this.#kept.set(id, { pid: 0, wanted: "", failures, atMs: this.#place.clock.monotonicMs() });
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

const isDue = ({ failures, atMs }: Kept, nowMs: number): boolean =>
  nowMs - atMs >= (failures.length > 0 ? gatewayRetryMs : gatewayProbePeriodMs);

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
