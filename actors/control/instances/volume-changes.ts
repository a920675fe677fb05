/**
 * The methods that attach a volume to an instance, detach it, or make it larger. The volume's row is read
 * here; the instance's actor decides, and its commit changes both rows, or nothing.
 */

import type { Changed, instanceService } from "../../../protocol/instance.ts";
import { volume } from "../../../protocol/volume.ts";
import type { RowOf } from "../../../protocol/wire/resource.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import { notFound } from "../instance/actor.ts";
import type { VolumeChangeAsked } from "../instance/messages.ts";
import { unlessAnswered } from "../request/commit-once.ts";
import { requestFacts } from "../request/content-hash.ts";
import { assertHeldByNobody } from "../request/held-volume.ts";
import { findOwnRow } from "../request/rows.ts";
import { mayRead } from "../request/tenancy.ts";
import { assertTakesMore, type Looking } from "../request/volume-room.ts";
import type { InterfaceChangesOptions } from "./interface-changes.ts";
import { createLimits } from "./limits.ts";

export interface VolumeChangesOptions extends Omit<InterfaceChangesOptions, "networking">, Looking {
  readonly store: InterfaceChangesOptions["store"] & InterfaceChangesOptions["networking"]["store"];
}

type Methods = "volumeAttach" | "volumeDetach" | "volumeExtend";
type Changes = Pick<Handlers<typeof instanceService>, Methods>;
type VolumeRow = RowOf<typeof volume>;

export function volumeChangeHandlers(options: VolumeChangesOptions): Changes {
  const { store, registry, finish } = options;
  const instanceOf = async (context: CallContext): Promise<InstanceRecord> => {
    const row = await store.instances.get(context.id);
    if (row === undefined || !mayRead(context, row.instance.project)) throw notFound(context.id);
    return row.instance;
  };
  /** Once more when somebody was faster with the volume: what the row says by then is the answer. */
  const ask = (
    request: { readonly wait?: boolean; readonly volume: string },
    context: CallContext,
    command: Methods,
    changeOf: (row: VolumeRow) => VolumeChangeAsked,
  ): Promise<Changed> => {
    const cause = { request, context, options: { store } };
    return unlessAnswered(`instance.${command}`, cause, async () => {
      const { project } = await instanceOf(context);
      for (let attempt = 1; ; attempt += 1) {
        const row = await findOwnRow(volume, { project, id: request.volume }, store.rows);
        if (command === "volumeAttach") await assertHeldByNobody(row, store.rows, "attached");
        const change = changeOf(row);
        const facts = requestFacts(`instance.${command}`, request, context);
        const { id, deadlineMs, signal } = context;
        try {
          return await registry.ask<Changed>(
            id,
            (reply) => ({ kind: "revolume", change, request: facts, reply }),
            { deadlineMs, signal },
          );
        } catch (thrown) {
          const isOvertaken = thrown instanceof StatusError && thrown.reason === "generationConflict";
          if (!isOvertaken || attempt >= createLimits.placementAttemptsMax) throw thrown;
        }
      }
    });
  };
  return {
    volumeAttach: async (request, context) => {
      const { place, deleteOnTermination = false } = request;
      const changed = await ask(request, context, "volumeAttach", (row) => ({
        command: "volumeAttach",
        volume: { ...kept(row), deleteOnTermination },
        ...(place === undefined ? {} : { place }),
      }));
      return finish(changed, request, context);
    },
    volumeDetach: async (request, context) => {
      const { force = false } = request;
      const changed = await ask(request, context, "volumeDetach", ({ id }) => ({
        ...{ command: "volumeDetach", volumeId: id },
        ...(force ? { force } : {}),
      }));
      return finish(changed, request, context);
    },
    volumeExtend: async (request, context) => {
      const { sizeGib } = request;
      const changed = await ask(request, context, "volumeExtend", (row) => {
        if (sizeGib > row.sizeGib) assertTakesMore(options, row);
        return { command: "volumeExtend", volumeId: row.id, sizeGib };
      });
      return finish(changed, request, context);
    },
  };
}

const kept = ({ id, project, epoch, sizeGib, storageId, hostId, made, source }: VolumeRow) => ({
  ...{ volumeId: id, project, epoch, sizeGib, storageId, hostId, made, source },
});
