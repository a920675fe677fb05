/**
 * Sends the host's reports: takes what is due from the ledger, sends it, and tells the outcome. It decides
 * nothing and never throws: an unreachable controller is an ordinary outcome.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { HostInventory, reportService } from "../../../protocol/machine.ts";
import type { Space } from "../../../protocol/space.ts";
import type { OfferedVolumeStorage, VolumeStorageState } from "../../../protocol/volume-storage.ts";
import type { Code } from "../../../protocol/wire/reasons.ts";
import type { Client } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import type { ImageGiving } from "../../ports/image-giving.ts";
import type { ReportEffect } from "./decide.ts";
import type { Ledger } from "./ledger.ts";
import { hostLimits } from "./limits.ts";
import type { ReportEvent, ReportTimer } from "./messages.ts";

export type ReportClient = Client<typeof reportService>;

export interface ToldStorages {
  readonly states: readonly VolumeStorageState[];
  /** For the ledger. Undefined: not all have answered yet. */
  readonly offered: readonly OfferedVolumeStorage[] | undefined;
  /** Resolves when the storages have been looked at, or are silent. */
  readonly looked: Promise<void>;
}

export interface ReporterOptions {
  readonly inventory: HostInventory;
  /** What the agent understands of the `needs` of `ensure`. */
  readonly knows: readonly string[];
  readonly reports: ReportClient;
  readonly ledger: Ledger;
  /** Lease epoch of the host lease that the host holds; 0: none. */
  readonly leaseEpoch: () => number;
  /** The host's file systems, as of now. */
  readonly spaces: () => readonly Space[];
  /** The storages of its volumes, as of now. */
  readonly storages: ToldStorages;
  /** The images that the host gives to other hosts. Absent: the host gives none. */
  readonly imageGiving?: Pick<ImageGiving, "told"> | undefined;
  /** Called when controllers have registered the host: from now on it can ask for its host lease. */
  readonly registered: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #deliver: (event: ReportEvent) => void;
  readonly #timers = new Map<ReportTimer, Timer>();
  readonly #signal: AbortSignal;
  /** The storages of volumes that the last registration has told. */
  #offered = "";
  /** The refusal that the log has. */
  #refusal = "";

  /** `signal` ends it: reports under way are given up, timers are cancelled. */
  constructor(options: ReporterOptions, signal: AbortSignal, deliver: (event: ReportEvent) => void) {
    this.#options = options;
    this.#signal = signal;
    this.#deliver = (event) => {
      if (!signal.aborted) deliver(event);
    };
    signal.addEventListener("abort", () => {
      for (const timer of this.#timers.values()) timer.cancel();
    });
  }

  run(effect: ReportEffect): void {
    const { ledger, clock } = this.#options;
    switch (effect.kind) {
      case "register":
        void this.#register();
        break;
      case "heartbeat":
        void this.#heartbeat(effect);
        break;
      case "renew":
        ledger.renew();
        break;
      case "ripen":
        if (ledger.ripen()) this.#deliver({ kind: "changed", urgent: false });
        if (ledger.changes > 0) this.#deliver({ kind: "changed", urgent: true });
        break;
      case "renewAll":
        ledger.renewAll();
        break;
      case "startTimer": {
        const { timer, ms } = effect;
        const set = clock.after(ms, () => this.#deliver({ kind: "timer", timer }));
        this.#timers.set(timer, set);
        break;
      }
    }
  }

  /**
   * Registers. Observations follow with the heartbeats; the first page of them comes along, so that no
   * machine seems lost.
   */
  async #register(): Promise<void> {
    const { reports, knows, ledger, log, storages } = this.#options;
    try {
      await storages.looked;
      this.#offered = offeredText(storages);
      const inventory = this.#inventory();
      const machines = ledger.all().slice(0, hostLimits.reportMachinesMax);
      const { accepted } = await reports.register(
        { inventory, machines: [...machines], knows: [...knows] },
        this.#call(),
      );
      this.#refusal = "";
      log.info({ accepted, machines: machines.length }, "The host has registered.");
      if (accepted) this.#options.registered();
      this.#deliver({ kind: "registered", accepted });
    } catch (thrown) {
      this.#failed(thrown, "Registering");
      this.#deliver({ kind: "registerFailed" });
    }
  }

  #inventory(): HostInventory {
    const { inventory, storages } = this.#options;
    const { drivers } = inventory;
    const { offered } = storages;
    if (offered === undefined || (drivers?.volumes ?? null) === null || drivers === undefined)
      return inventory;
    const volumeStorages = offered.map((one) => ({ ...one }));
    return { ...inventory, drivers: { ...drivers, volumeStorages } };
  }

  async #heartbeat({ complete, stopping }: Extract<ReportEffect, { kind: "heartbeat" }>): Promise<void> {
    const { reports, ledger } = this.#options;
    if (complete) ledger.renewAll();
    const sent = ledger.take(hostLimits.reportMachinesMax);
    const more = ledger.changes > 0;
    const leaseEpoch = this.#options.leaseEpoch();
    const { storages, imageGiving } = this.#options;
    const { states } = storages;
    const space = this.#options.spaces().map((one) => ({ ...one }));
    const request = {
      ...{ complete: complete && !more, machines: [...sent], stopping, leaseEpoch },
      ...(space.length === 0 ? {} : { space }),
      ...(states.length === 0 ? {} : { volumeStorages: states.map((one) => ({ ...one })) }),
      ...(imageGiving === undefined ? {} : { imagePeer: imageGiving.told() }),
    };
    try {
      const { known, stored } = await reports.heartbeat(request, this.#call());
      this.#refusal = "";
      ledger.settle(sent, new Set(stored));
      // The host is not known as it is by now: it registers again.
      const isNews = offeredText(storages) !== this.#offered;
      this.#deliver({ kind: "answered", known: known && !isNews, more });
    } catch (thrown) {
      ledger.lost(sent);
      this.#failed(thrown, "A heartbeat");
      this.#deliver({ kind: "unanswered" });
    }
  }

  #call() {
    return { timeoutMs: wireLimits.hostRequestTimeoutMs, signal: this.#signal };
  }

  #failed(thrown: unknown, what: string): void {
    if (this.#signal.aborted) return;
    const { code, reason, message } = StatusError.from(thrown, what);
    const { log } = this.#options;
    if (!refusals.has(code)) {
      log.warn({ reason, message }, `${what} reached no controller; it is tried again.`);
      return;
    }
    const refusal = `${what} ${reason} ${message}`;
    if (refusal !== this.#refusal) log.error({ reason, message }, `${what} is refused by the controllers.`);
    this.#refusal = refusal;
  }
}

/** A storage that has not answered yet is no news. */
const offeredText = ({ offered }: ToldStorages): string => JSON.stringify(offered ?? null);

/** A controller has heard the report, and what it refuses it will refuse again: the log says so once. */
const refusals: ReadonlySet<Code> = new Set([
  ...(["INVALID_ARGUMENT", "ALREADY_EXISTS", "FAILED_PRECONDITION"] as const),
  ...(["PERMISSION_DENIED", "UNIMPLEMENTED", "RESOURCE_EXHAUSTED"] as const),
]);
