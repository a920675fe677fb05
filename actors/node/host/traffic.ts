/**
 * What has passed the ports of a host: read when somebody asks, and now and then for the meter, which has the
 * sums of all ports. Readers at about the same time share a reading: many questions make the host work no
 * more than one. It must never say of a port what was not read.
 */
import type { PortTraffic } from "../../../protocol/traffic.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock } from "../../../protocol/wire/transport.ts";
import type { Network } from "../../ports/network.ts";
import { type Meter, nullMeter } from "../../runtime/meter.ts";
import { Periodic, type Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import { hostLimits } from "./limits.ts";
import { type Rises, risesOf } from "./traffic-rises.ts";

export interface HostTrafficOptions {
  readonly network?: Pick<Network, "traffic"> | undefined;
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  readonly clock: Clock;
  readonly meter?: Meter | undefined;
}

interface Reading {
  readonly atMs: number;
  readonly ports: Promise<readonly PortTraffic[]>;
}

export class HostTraffic {
  readonly #options: HostTrafficOptions;
  readonly #rounds: Periodic | undefined;
  #last: Reading | undefined;
  /** Also while nobody waits for it any more. */
  #isUnderWay = false;
  #metered: readonly PortTraffic[] | undefined;
  #ending = new AbortController();

  constructor(options: HostTrafficOptions) {
    this.#options = options;
    const { network, meter = nullMeter, system } = options;
    if (network?.traffic === undefined || !meter.on) return;
    this.#rounds = new Periodic(system, {
      name: "traffic",
      pauseMs: () => hostLimits.trafficPeriodMs,
      round: (round) => this.#round(round, meter),
    });
  }

  start(): void {
    this.#rounds?.next(0);
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#rounds?.stop();
  }

  /** Null: nothing is counted. @throws StatusError hypervisorRefused when nothing can be read */
  async of(portIds: readonly string[]): Promise<{ readonly ports: PortTraffic[] | null }> {
    if (this.#options.network?.traffic === undefined) return { ports: null };
    const { atMs, ports } = this.#reading();
    const all = await ports;
    const sinceMs = Math.max(0, Math.round(this.#options.clock.monotonicMs() - atMs));
    const wanted = new Set(portIds);
    const found = all.filter(({ portId }) => wanted.has(portId));
    return { ports: found.map((one) => ({ ...one, agoMs: one.agoMs + sinceMs })) };
  }

  /** The last reading, as long as it is young or under way: a slow host has no second one beside it. */
  #reading(): Reading {
    const { clock } = this.#options;
    const nowMs = clock.monotonicMs();
    const last = this.#last;
    if (last !== undefined && (this.#isUnderWay || nowMs - last.atMs < hostLimits.trafficAgeMsMax))
      return last;
    const reading = { atMs: nowMs, ports: this.#read() };
    // Whoever asks is told; nobody may have asked.
    reading.ports.catch(() => undefined);
    this.#last = reading;
    return reading;
  }

  /** @throws StatusError what reading throws; timeout when it was given up */
  #read(): Promise<readonly PortTraffic[]> {
    const { network, clock } = this.#options;
    const late = new AbortController();
    const signal = AbortSignal.any([this.#ending.signal, late.signal]);
    const givenUp = Promise.withResolvers<never>();
    const timer = clock.after(hostLimits.trafficReadMsMax, () => {
      late.abort();
      givenUp.reject(
        new StatusError("timeout", "The host could not read in time what has passed its ports."),
      );
    });
    this.#isUnderWay = true;
    const read = (network?.traffic?.(signal) ?? Promise.resolve([])).finally(() => {
      this.#isUnderWay = false;
      timer.cancel();
    });
    return Promise.race([read, givenUp.promise]).catch(refuse);
  }

  async #round({ signal, did, fail }: Round, meter: Meter): Promise<void> {
    try {
      const ports = await this.#reading().ports;
      if (signal.aborted) return;
      // What has passed before this life of the agent is not in its counters.
      count(meter, risesOf(this.#metered ?? ports, ports));
      this.#metered = ports;
      did(`${ports.length} ports`);
    } catch {
      // Whoever asks for a port is told why; the meter goes on from what it had.
      fail();
    }
  }
}

function refuse(error: unknown): never {
  throw StatusError.from(error, "Reading what has passed the host's ports");
}

function count(meter: Meter, { packets, bytes, dropped }: Rises): void {
  for (const [direction, by] of packets) meter.count("novact_port_packets_total", { direction }, by);
  for (const [direction, by] of bytes) meter.count("novact_port_bytes_total", { direction }, by);
  for (const [direction, why, by] of dropped)
    meter.count("novact_port_dropped_total", { direction, why }, by);
}
