/**
 * Makes the host's reports real: takes what is due from the ledger, sends it, and tells what became of it.
 * It decides nothing, and it never throws: an unreachable controller is an ordinary outcome.
 */
import { limits } from "../../../protocol/limits/limits.ts";
import type { HostInventory, reportService } from "../../../protocol/machine.ts";
import type { Client } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log, Timer } from "../../../protocol/wire/transport.ts";
import type { ReportEffect } from "./decide.ts";
import type { Ledger } from "./ledger.ts";
import type { ReportEvent, ReportTimer } from "./messages.ts";

export type ReportClient = Client<typeof reportService>;

export interface ReporterOptions {
  readonly inventory: HostInventory;
  readonly reports: ReportClient;
  readonly ledger: Ledger;
  /** Of the lease that the host holds; 0: none. */
  readonly leaseEpoch: () => number;
  /** Controllers know the host: what could not be asked before can be now. */
  readonly registered: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

export class Reporter {
  readonly #options: ReporterOptions;
  readonly #deliver: (event: ReportEvent) => void;
  readonly #timers = new Map<ReportTimer, Timer>();
  readonly #signal: AbortSignal;

  /** Ends with the signal: reports under way are given up, timers are cancelled. */
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
   * The machines come with the heartbeats that follow; those of the first page also now, so that nothing
   * seems lost.
   */
  async #register(): Promise<void> {
    const { reports, inventory, ledger, log } = this.#options;
    try {
      const machines = ledger.all().slice(0, limits.reportMachinesMax);
      const { accepted } = await reports.register({ inventory, machines: [...machines] }, this.#call());
      log.info({ accepted, machines: machines.length }, "The host has registered.");
      if (accepted) this.#options.registered();
      this.#deliver({ kind: "registered", accepted });
    } catch (thrown) {
      this.#failed(thrown, "Registering");
      this.#deliver({ kind: "registerFailed" });
    }
  }

  async #heartbeat({ complete, stopping }: Extract<ReportEffect, { kind: "heartbeat" }>): Promise<void> {
    const { reports, ledger } = this.#options;
    if (complete) ledger.renewAll();
    const sent = ledger.take(limits.reportMachinesMax);
    const more = ledger.changes > 0;
    const leaseEpoch = this.#options.leaseEpoch();
    const lease = leaseEpoch === 0 ? {} : { leaseEpoch };
    const request = { complete: complete && !more, machines: [...sent], stopping, ...lease };
    try {
      const { known, stored } = await reports.heartbeat(request, this.#call());
      ledger.settle(sent, new Set(stored));
      this.#deliver({ kind: "answered", known, more });
    } catch (thrown) {
      ledger.lost(sent);
      this.#failed(thrown, "A heartbeat");
      this.#deliver({ kind: "unanswered" });
    }
  }

  #call() {
    return { timeoutMs: limits.hostRequestTimeoutMs, signal: this.#signal };
  }

  #failed(thrown: unknown, what: string): void {
    if (this.#signal.aborted) return;
    const { reason, message } = StatusError.from(thrown, what);
    this.#options.log.warn({ reason, message }, `${what} reached no controller; it is tried again.`);
  }
}
