/**
 * Brings images that are made of instances to their ends: it looks at each operation that is under way, asks
 * the host for its copy, says where to send it, and has what came verified. Each look is one step (plan.ts);
 * of the last one nothing is kept but since when a host has been silent. It must never send a ticket anywhere
 * but to the host that copies.
 */
import { image } from "../../../../protocol/image.ts";
import type { Refusal } from "../../../../protocol/image-bytes.ts";
import { wireLimits } from "../../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../../protocol/machine.ts";
import type { RowOf } from "../../../../protocol/wire/resource.ts";
import type { AnswerOf, Client, RequestOf } from "../../../../protocol/wire/service.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import type { Log } from "../../../../protocol/wire/transport.ts";
import type { ImageDoor } from "../../../ports/image-bytes.ts";
import type { UploadFrom, UploadStatus } from "../../../ports/image-uploads.ts";
import type { StorePart } from "../../../ports/store.ts";
import type { OperationRecord } from "../../../records/instance.ts";
import { type PeriodicActor, periodicActor } from "../../../runtime/periodic.ts";
import type { CatalogOptions } from "../../request/commit-once.ts";
import { catalogLimits } from "../limits.ts";
import type { UploadDesk } from "../uploads/desk.ts";
import { endedOperation, endOf, reached, type Stage, stableRefusal } from "./operation.ts";
import { afterAnswer, afterRefusal, look } from "./plan.ts";

export interface MakerOptions extends Pick<CatalogOptions, "commit" | "clock"> {
  readonly store: StorePart<{ operations: "list"; instances: "get"; rows: "called" }>;
  readonly door: Pick<ImageDoor, "server"> & {
    readonly uploads: Pick<ImageDoor["uploads"], "status">;
  };
  readonly desk: Pick<UploadDesk, "upload" | "complete" | "abandon">;
  readonly hostAgent: (hostId: string) => Pick<Client<typeof hostAgentService>, "copyDisk" | "endCopy">;
  readonly log: Log;
}

type Row = RowOf<typeof image>;
type Copied = AnswerOf<(typeof hostAgentService)["methods"]["copyDisk"]>;
type Upload = RequestOf<(typeof hostAgentService)["methods"]["copyDisk"]>["upload"];

interface One {
  readonly operation: OperationRecord;
  readonly row: Row;
  readonly status: UploadStatus;
  readonly from: UploadFrom;
  /** Checksum of the image below the disk. */
  readonly base: string | null;
}

interface Failed {
  readonly operation: OperationRecord;
  readonly why: Refusal;
  /** Undefined: it is gone. */
  readonly row: Row | undefined;
  readonly from: UploadFrom | undefined;
}

export class ImageMaker {
  readonly #options: MakerOptions;
  /** By operation: since when its host has been silent. */
  readonly #silentSinceMs = new Map<string, number>();

  constructor(options: MakerOptions) {
    this.#options = options;
  }

  /** Looks at all that are under way, and answers how many. @throws UNAVAILABLE storeUnavailable */
  async round(): Promise<number> {
    const { store } = this.#options;
    const limit = catalogLimits.copiesLookedAtMax;
    const { rows } = await store.operations.list({ noun: "image", states: ["running"], limit });
    const ids = new Set(rows.map(({ operation }) => operation.id));
    for (const known of this.#silentSinceMs.keys()) if (!ids.has(known)) this.#silentSinceMs.delete(known);
    await Promise.all(rows.map(({ operation }) => this.#lookAt(operation).catch(this.#unlooked(operation))));
    return rows.length;
  }

  readonly #unlooked =
    ({ entityId: imageId }: OperationRecord) =>
    (thrown: unknown): void => {
      const { reason, message } = StatusError.from(thrown, "Making an image of an instance");
      if (reason === "storeUnavailable") throw thrown;
      this.#options.log.info({ imageId, reason, message }, "an image of an instance is looked at again");
    };

  async #lookAt(operation: OperationRecord): Promise<void> {
    const { store, door, clock } = this.#options;
    const imageId = operation.entityId;
    const [found] = await store.rows.called(image, imageId);
    const row = found?.id === imageId ? found : undefined;
    const status = await door.uploads.status(imageId);
    const { from: of } = status ?? {};
    const instance = of && (await store.instances.get(of.instanceId))?.instance;
    const about = { operation, row, status, instance, server: door.server, nowMs: clock.nowMs() };
    const next = look(about);
    if (next.kind === "done") return this.#end(operation, row);
    if (next.kind === "fail") return this.#fail({ operation, why: next.why, row, from: of });
    if (next.kind === "giveUp") return this.#giveUp({ operation, why: next.why, row, from: of });
    if (next.kind === "verifying") return this.#reach(operation, verifying);
    if (next.kind !== "ask" || row === undefined || status === null) return;
    const base = instance?.image.disk?.sha256 ?? null;
    await this.#ask({ operation, row, status, from: next.from, base });
  }

  async #ask(one: One): Promise<void> {
    const copy = await this.#copyOf(one);
    if (copy === undefined) return;
    const { operation, row, status } = one;
    const next = afterAnswer({ copy, row, status });
    switch (next.kind) {
      case "giveUp":
        return this.#giveUp({ ...one, why: next.why });
      case "wait":
        return this.#reach(operation, next.stage);
      case "offer":
        await this.#offer(one, next.sizeBytes);
        return this.#reach(operation, next.stage);
      case "complete":
        return this.#complete(one, next);
    }
  }

  /** All of it has come: the host is rid of it at once, and of what it does not hear by itself. */
  async #complete({ operation, row, from }: One, { sizeBytes, sha256 }: Whole): Promise<void> {
    await this.#options.desk.complete(row.id, { format: "qcow2", sizeBytes, sha256 });
    await this.#reach(operation, verifying);
    await this.#endCopy(row.id, from.hostId);
  }

  /** A ticket of this moment, and where it goes on: nothing is remembered that could be old. */
  async #offer(one: One, sizeBytes: number): Promise<void> {
    const { url, ticket, nextOffset } = await this.#options.desk.upload(one.row.id, sizeBytes);
    await this.#copyOf(one, { url, ticket, nextOffset });
  }

  /** Undefined: the host is asked again, or was given up. */
  async #copyOf({ operation, row, from, base }: One, upload?: Upload): Promise<Copied | undefined> {
    const { hostAgent, clock } = this.#options;
    const { hostId, instanceId, ownerEpoch } = from;
    const asked = { imageId: row.id, instanceId, ownerEpoch, base, ...(upload && { upload }) };
    try {
      const copy = await hostAgent(hostId).copyDisk(asked, { timeoutMs: wireLimits.hostRequestTimeoutMs });
      this.#silentSinceMs.delete(operation.id);
      return copy;
    } catch (thrown) {
      const refusal = StatusError.from(thrown, "Asking a host for a copy of a disk");
      // It answers, and takes on no more for now: the operation's own deadline ends that.
      if (refusal.reason === "tooManyRequests") {
        this.#silentSinceMs.delete(operation.id);
        return undefined;
      }
      const sinceMs = this.#silentSinceMs.get(operation.id) ?? clock.monotonicMs();
      this.#silentSinceMs.set(operation.id, sinceMs);
      const said = { code: refusal.code, silentMs: clock.monotonicMs() - sinceMs };
      const why = afterRefusal(refusal, said);
      if (why !== undefined) await this.#giveUp({ operation, row, from, why });
      return undefined;
    }
  }

  /** The row first: an operation that has ended is not looked at any more. */
  async #giveUp(failed: Failed): Promise<void> {
    const why = stableRefusal(failed.why);
    await this.#options.desk.abandon(failed.operation.entityId, why);
    await this.#fail({ ...failed, why });
  }

  async #fail(failed: Failed): Promise<void> {
    const { operation, row, why, from } = failed;
    await this.#end(operation, row, why);
    // A host that does not hear it forgets the copy by itself.
    if (from !== undefined) await this.#endCopy(operation.entityId, from.hostId);
  }

  async #endCopy(imageId: string, hostId: string): Promise<void> {
    const timeoutMs = wireLimits.hostRequestTimeoutMs;
    await this.#options
      .hostAgent(hostId)
      .endCopy({ imageId }, { timeoutMs })
      .catch(() => undefined);
  }

  async #reach(operation: OperationRecord, stage: Stage): Promise<void> {
    const next = reached(operation, stage, this.#options.clock.nowMs());
    if (next !== undefined) await this.#options.commit({ operations: [next] });
  }

  async #end(operation: OperationRecord, row: Row | undefined, why?: Refusal): Promise<void> {
    const { commit, clock } = this.#options;
    const ended = endedOperation(operation, clock.nowMs(), why);
    await commit({ operations: [ended], events: [endOf(ended, row?.name)] });
  }
}

const verifying: Stage = { step: "verifying", percent: 90 };

interface Whole {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Looks often while images are made, and from time to time at those of controllers that are gone. */
export function imageMakerDefinition(maker: Pick<ImageMaker, "round">): PeriodicActor<null> {
  let underWay = 0;
  const definition = periodicActor<null>({
    name: "image-maker",
    pauseMs: () => (underWay > 0 ? catalogLimits.copyLookMs : catalogLimits.copyIdleMs),
    roundMsMax: catalogLimits.copyLookMsMax,
    begin: () => null,
    round: async (_state, { log }, { fail, did }) => {
      try {
        underWay = await maker.round();
        did(`${underWay} images of instances looked at`);
      } catch (thrown) {
        const { reason, message } = StatusError.from(thrown, "Looking at images of instances");
        log.warn({ reason, message }, "images of instances were not looked at");
        fail();
      }
      return null;
    },
  });
  definition.next(0);
  return definition;
}
