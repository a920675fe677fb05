/**
 * Waits for the actors' half of a controller, but only so long: whatever it does not answer in time counts as
 * not stored, and the host reports it again. A host that has reports waiting there already gets no more of
 * them in, so that a stuck half costs a bounded number of reports. It must never make a lease wait.
 */
import type { ImageTicketAnswer } from "../../../protocol/image-ticket.ts";
import type { HostNetworkingAnswer } from "../../../protocol/networking.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import { fleetLimits } from "./limits.ts";
import type {
  FleetAudience,
  GuardReport,
  HostSaid,
  ImageQuestion,
  MachineReport,
  NetworkPull,
} from "./link.ts";

/** What the reports of hosts need of the actors' half. */
export type ReportAudience = Pick<
  FleetAudience,
  "observed" | "guarded" | "networking" | "imageTicket" | "heard" | "hostsChanged"
>;

export class Patience {
  readonly #audience: ReportAudience;
  readonly #clock: Clock;
  readonly #log: Log;
  /** Reports that wait for their answer, by host. */
  readonly #waiting = new Map<string, number>();

  constructor(audience: ReportAudience, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#audience = audience;
    this.#clock = clock;
    this.#log = log;
  }

  heard(hostId: string, said?: HostSaid): void {
    this.#audience.heard(hostId, said);
  }

  /** The ids of the instances whose observation is durable, as far as is known in time. Never rejects. */
  async observed(report: MachineReport): Promise<readonly string[]> {
    return (await this.#admit(report, () => this.#audience.observed(report), "a report")) ?? [];
  }

  /** True when what a guard did is known to be told, in time. Never rejects. */
  async guarded(report: GuardReport): Promise<boolean> {
    return (await this.#admit(report, () => this.#audience.guarded(report), "what a guard did")) ?? false;
  }

  /** Undefined when it could not be read in time. Never rejects. */
  networking(pull: NetworkPull): Promise<HostNetworkingAnswer | undefined> {
    return this.#admit(pull, () => this.#audience.networking(pull), "a question for networks");
  }

  /** Null: refused. Undefined when it could not be judged in time. Never rejects. */
  imageTicket(question: ImageQuestion): Promise<ImageTicketAnswer | null | undefined> {
    return this.#admit(question, () => this.#audience.imageTicket(question), "a question for an image");
  }

  /** Undefined when the host has too many reports waiting, or this one failed, or took longer. */
  async #admit<T>(
    { hostId, timeoutMs }: Pick<MachineReport, "hostId" | "timeoutMs">,
    work: () => Promise<T>,
    what: string,
  ): Promise<T | undefined> {
    const waiting = this.#waiting.get(hostId) ?? 0;
    if (waiting >= fleetLimits.reportsAtOncePerHostMax) return undefined;
    this.#waiting.set(hostId, waiting + 1);
    return this.#within(
      timeoutMs,
      work().finally(() => this.#done(hostId)),
      what,
    );
  }

  /**
   * Resolves when the actors know that hosts have changed, or after a while: they read the hosts again
   * anyway. Never rejects.
   */
  async hostsChanged(): Promise<void> {
    await this.#within(fleetLimits.hostsChangedMsMax, this.#audience.hostsChanged(), "a change of hosts");
  }

  #done(hostId: string): void {
    const left = (this.#waiting.get(hostId) ?? 1) - 1;
    if (left === 0) this.#waiting.delete(hostId);
    else this.#waiting.set(hostId, left);
  }

  /** Undefined when it failed, or took longer. */
  #within<T>(ms: number, work: Promise<T>, what: string): Promise<T | undefined> {
    return new Promise((resolve) => {
      const timer = this.#clock.after(ms, () => resolve(undefined));
      work
        .then(resolve, (error: unknown) => {
          this.#log.warn({ error, what }, "the actors did not take what hosts say");
          resolve(undefined);
        })
        .finally(() => timer.cancel());
    });
  }
}
