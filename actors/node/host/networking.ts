/**
 * Keeps the network of a host as controllers have it: asks for the picture of its guests' networks, and
 * applies it. A guest that is plugged in makes it ask at once; what is lost meanwhile is asked for again by
 * and by. A host with nothing plugged in asks once in a life of its agent, since nobody remembers what a life
 * before has applied. While no controller answers, packets pass as before: it must never take a picture back.
 */
import { networkLimits } from "../../../protocol/limits/network.ts";
import { reportLimits } from "../../../protocol/limits/report.ts";
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type {
  FarPicture,
  GroupPicture,
  HostNetworking,
  NetworkFailure,
  NetworkingAudit,
  NetworkPicture,
  PortPicture,
  RouterPicture,
} from "../../../protocol/networking.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Clock, Log } from "../../../protocol/wire/transport.ts";
import type { Network, Unpublished } from "../../ports/network.ts";
import { Periodic, type Round } from "../../runtime/periodic.ts";
import type { ActorSystem } from "../../runtime/system.ts";
import { type FailedPort, failedPorts, lostDevices } from "./failed-ports.ts";
import { hostLimits } from "./limits.ts";
import { Pictures } from "./pictures.ts";
import type { ReportClient } from "./reporter.ts";

export interface NetworkingOptions {
  readonly network: Network;
  readonly reports: Pick<ReportClient, "networkPull">;
  readonly system: Pick<ActorSystem, "spawn" | "clock">;
  /** Whether a guest of the instance lives on the host. */
  readonly runs: (instanceId: string) => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

interface PortStates {
  readonly failure: string | null;
  readonly ports: PortPicture[];
  readonly failed: FailedPort[];
}

type Part = NetworkPicture | GroupPicture | FarPicture | RouterPicture;

export class Networking {
  readonly #options: NetworkingOptions;
  readonly #rounds: Periodic;
  /** By hash: all parts of the last answer. */
  #parts: ReadonlyMap<string, Part> = new Map();
  #applied: HostNetworking | undefined;
  #appliedParts: string[] = [];
  #failure: string | null = null;
  /** A picture is asked for, which may be another one than that of the round under way. */
  #wanted = false;
  /** The driver may have made a part of a picture that it has not applied. */
  #isHalfApplied = false;
  #endedAtMs = Number.NEGATIVE_INFINITY;
  readonly #pictures: Pictures;
  /** When a round had last nothing to do, or did it. */
  #goodAtMs: number | undefined;

  constructor(options: NetworkingOptions) {
    this.#options = options;
    this.#pictures = new Pictures(options, () => this.hurry());
    const { networkPullPeriodMs, networkRetryMs, networkHurryMsMax } = hostLimits;
    this.#rounds = new Periodic(options.system, {
      name: "networking",
      pauseMs: () => {
        if (this.#wanted) return networkHurryMsMax;
        return this.#failure === null ? networkPullPeriodMs : networkRetryMs;
      },
      roundMsMax: hostLimits.networkRoundMsMax,
      round: (round) => this.#round(round),
    });
  }

  start(): void {
    this.#rounds.next(0);
  }

  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /** Asks for the picture soon: something has changed. */
  hurry(): void {
    // What is planned already must not be put off by whoever asks again and again.
    if (this.#wanted) return;
    this.#wanted = true;
    const sinceMs = this.#options.clock.monotonicMs() - this.#endedAtMs;
    this.#rounds.next(Math.max(hostLimits.networkHurryMs, hostLimits.networkHurryMsMax - sinceMs));
  }

  /** Pictures of networks that have these ports, as soon as they are known. @throws as `Pictures.of` */
  pictures(portIds: readonly string[], signal: AbortSignal): Promise<readonly NetworkPicture[]> {
    return this.#pictures.of(portIds, signal);
  }

  /** For the doctor. */
  get state(): NetworkingAudit {
    const nowMs = this.#options.clock.monotonicMs();
    return {
      version: this.#applied?.version ?? null,
      parts: this.#appliedParts,
      lookedAgoMs: this.#goodAtMs === undefined ? null : Math.max(0, Math.round(nowMs - this.#goodAtMs)),
      failure: brief(this.#failure),
      failed: this.#failures.slice(0, networkLimits.failuresToldMax).map(briefly),
      failedCount: this.#failures.length,
      unanswered: brief(this.#options.network.unanswered?.() ?? null),
      unpublished: this.#unpublished.slice(0, networkLimits.unpublishedToldMax).map(({ id, why }) => ({
        ...{ id, why: why.slice(0, reportLimits.observedTextLengthMax) },
      })),
    };
  }

  /** Which of the ports the applied picture has, and how. */
  portStates(portIds: readonly string[]): PortStates {
    const wanted = new Set(portIds);
    const ports = (this.#applied?.networks ?? []).flatMap((one) => one.ports);
    const { failure } = this.state;
    const failed = failedPorts(this.#applied ?? { networks: [] }, this.#failures);
    return {
      ...{ failure, ports: ports.filter(({ id }) => wanted.has(id)) },
      failed: failed.flatMap((one) => (wanted.has(one.portId) ? { ...one, ...briefly(one) } : [])),
    };
  }

  get #failures(): readonly NetworkFailure[] {
    const { network, runs } = this.#options;
    return [...lostDevices(network.adrift?.() ?? [], runs), ...(network.failures?.() ?? [])];
  }

  /** Every published port, where the driver publishes none. */
  get #unpublished(): readonly Unpublished[] {
    const { network } = this.#options;
    if (network.unpublished !== undefined) return network.unpublished();
    const ports = (this.#applied?.networks ?? []).flatMap((one) => one.ports);
    return ports.flatMap(({ published = [] }) => published).map(({ id }) => ({ id, why: publishesNothing }));
  }

  /** The network as machines have it: whoever plugs in wants a picture with the port. */
  get hurried(): Network {
    const { network } = this.#options;
    const { hypervisorNamespace } = network;
    return {
      kind: network.kind,
      ...(hypervisorNamespace && { hypervisorNamespace: () => hypervisorNamespace.call(network) }),
      facts: () => network.facts(),
      list: () => network.list(),
      release: (holding, signal) => network.release(holding, signal),
      releasePort: (id, ownerEpoch, signal) => network.releasePort(id, ownerEpoch, signal),
      releaseOthers: (kept, signal) => network.releaseOthers(kept, signal),
      plugged: (id, signal) => network.plugged(id, signal),
      apply: (networking, signal) => network.apply(networking, signal),
      picture: async () => network.picture?.(),
      ...(network.unanswered && { unanswered: () => network.unanswered?.() }),
      ...(network.failures && { failures: () => this.#failures }),
      unpublished: () => this.#unpublished,
      detach: (guests) => network.detach(guests),
      ensurePort: async (port, signal) => {
        const device = await network.ensurePort(port, signal);
        this.hurry();
        return device;
      },
    };
  }

  async #round({ signal, did, fail }: Round): Promise<void> {
    const { network, log } = this.#options;
    this.#wanted = false;
    try {
      const plugged = (await network.list()).length;
      const isIdle = plugged === 0 && isBlank(this.#applied) && !this.#isHalfApplied;
      const picture = isIdle && this.#applied ? undefined : await this.#pulled(signal, isIdle);
      if (picture === undefined) {
        this.#fine();
        return did("nothing is plugged in");
      }
      this.#pictures.take(picture);
      // The start of a guest waits for a port that this picture lacks.
      if (this.#pictures.isAwaited) this.#wanted = true;
      this.#isHalfApplied = true;
      const version = await network.apply(picture, signal);
      this.#isHalfApplied = false;
      // Answers come one after the other: only a database that was set back says less than it said before.
      if (version > picture.version) throw setBack(version, picture.version);
      this.#remember(picture);
      if (this.#failure !== null)
        log.info({ version }, "The host's network is as controllers have it again.");
      this.#fine();
      did(`${plugged} ports, as of event ${version}`);
    } catch (thrown) {
      if (signal.aborted) return;
      fail();
      const { reason, message } = StatusError.from(thrown, "Applying the picture of networks");
      if (this.#failure !== message) log.warn({ reason, message }, "The host's network stays as it is.");
      this.#failure = message;
    } finally {
      this.#endedAtMs = this.#options.clock.monotonicMs();
    }
  }

  #fine(): void {
    this.#failure = null;
    this.#goodAtMs = this.#options.clock.monotonicMs();
  }

  #remember(picture: HostNetworking): void {
    this.#applied = picture;
    this.#appliedParts = [...this.#parts.keys()];
  }

  /** Undefined: the controller is of before, and the host needs nothing of it. @throws as `#pull` */
  async #pulled(signal: AbortSignal, isIdle: boolean): Promise<HostNetworking | undefined> {
    try {
      return await this.#pull(signal);
    } catch (thrown) {
      if (isIdle && thrown instanceof StatusError && thrown.reason === "unknownMethod") return undefined;
      throw thrown;
    }
  }

  /**
   * Asks until it has all parts: an answer has only so many. @throws StatusError what the controllers answer;
   * internal, when they keep a part to themselves
   */
  async #pull(signal: AbortSignal): Promise<HostNetworking> {
    for (let lacks = Number.POSITIVE_INFINITY; ; ) {
      const have = [...this.#parts.keys()].slice(0, networkLimits.pictureHashesMax);
      const call = { timeoutMs: wireLimits.hostRequestTimeoutMs, signal };
      const { version, networks, groups, far, routers } = await this.#options.reports.networkPull(
        { have },
        call,
      );
      const said = [...networks, ...groups, ...(far ?? []), ...(routers ?? [])];
      const parts = new Map(
        said.flatMap(({ hash, picture }) => {
          const part = picture ?? this.#parts.get(hash);
          return part === undefined ? [] : [[hash, part] as const];
        }),
      );
      this.#parts = parts;
      const still = said.length - parts.size;
      if (still === 0)
        return {
          ...{ version, networks: partsOf(networks, parts), groups: partsOf(groups, parts) },
          ...(far === undefined ? {} : { far: partsOf(far, parts) }),
          ...(routers === undefined ? {} : { routers: partsOf(routers, parts) }),
        };
      if (still >= lacks)
        throw new StatusError("internal", `Nobody says what ${still} parts of the picture are.`);
      lacks = still;
    }
  }
}

const briefly = ({ of, id, why }: NetworkFailure): NetworkFailure => ({
  ...{ of, id: id.slice(0, reportLimits.observedTextLengthMax) },
  why: why.slice(0, reportLimits.observedTextLengthMax),
});

const brief = (text: string | null): string | null =>
  text?.slice(0, reportLimits.observedTextLengthMax) ?? null;

/** Pictures of the hashes in an answer, in the order of the answer. */
const partsOf = <T extends Part>(
  said: readonly { readonly hash: string; readonly picture: T | null }[],
  parts: ReadonlyMap<string, Part>,
): readonly T[] => said.flatMap(({ hash }) => (parts.get(hash) as T | undefined) ?? []);

const publishesNothing = "The network driver of the host publishes no ports.";

const setBack = (applied: number, told: number): StatusError =>
  new StatusError(
    "internal",
    `What is to be applied is as of event ${told}, and event ${applied} is known: was the database set back?`,
  );

/** True where no picture was applied, or an empty one. */
const isBlank = (applied: HostNetworking | undefined): boolean =>
  applied === undefined || applied.networks.length + applied.groups.length === 0;
