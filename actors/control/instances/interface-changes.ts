/**
 * The methods that plug an instance into one more port, or unplug it. The port is chosen here, as for a
 * create; the instance's actor decides, and its commit makes the port, its address and the plug together with
 * the intent, or nothing.
 */

import type { Changed, instanceService } from "../../../protocol/instance.ts";
import type { AskedInterface } from "../../../protocol/interface.ts";
import { port } from "../../../protocol/port.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { CallContext, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { StorePart } from "../../ports/store.ts";
import type { InstanceRecord } from "../../records/instance.ts";
import { notFound } from "../instance/actor.ts";
import type { Rewiring } from "../instance/messages.ts";
import type { InstanceRegistry } from "../instance/registry.ts";
import { type Answering, unlessAnswered } from "../request/commit-once.ts";
import { requestFacts } from "../request/content-hash.ts";
import { findOwnRow } from "../request/rows.ts";
import { mayRead } from "../request/tenancy.ts";
import {
  chooseInterfaces,
  hasLimit,
  type InterfaceWorld,
  interfacesOf,
  settleInterfaces,
} from "./interfaces.ts";
import { createLimits } from "./limits.ts";
import { type Wired, wire } from "./wiring.ts";

export interface InterfaceChangesOptions {
  readonly store: StorePart<{ instances: "get" }> & Answering["store"];
  readonly registry: InstanceRegistry;
  readonly networking: InterfaceWorld;
  /** Waits for the end of the operation, where that was asked for. */
  readonly finish: (
    changed: Changed,
    request: { readonly wait?: boolean },
    context: CallContext,
  ) => Promise<Changed>;
}

type Changes = Pick<Handlers<typeof instanceService>, "interfaceAttach" | "interfaceDetach">;

export function interfaceChangeHandlers(options: InterfaceChangesOptions): Changes {
  const { store, registry, finish } = options;
  const instanceOf = async (context: CallContext): Promise<InstanceRecord> => {
    const row = await store.instances.get(context.id);
    if (row === undefined || !mayRead(context, row.instance.project)) throw notFound(context.id);
    return row.instance;
  };
  const ask = (rewiring: Rewiring, request: object, context: CallContext): Promise<Changed> => {
    const facts = requestFacts(`instance.${rewiring.command}`, request, context);
    const { id, deadlineMs, signal } = context;
    return registry.ask<Changed>(id, (reply) => ({ kind: "rewire", rewiring, request: facts, reply }), {
      deadlineMs,
      signal,
    });
  };
  return {
    interfaceAttach: async (request, context) => {
      const cause = { request, context, options: { store } };
      const changed = await unlessAnswered("instance.interfaceAttach", cause, async () => {
        const instance = await instanceOf(context);
        const { wait: _, ...asked } = request;
        return attach(asked, { instance, context }, options, (rewiring) => ask(rewiring, request, context));
      });
      return finish(changed, request, context);
    },
    interfaceDetach: async (request, context) => {
      const cause = { request, context, options: { store } };
      const changed = await unlessAnswered("instance.interfaceDetach", cause, async () => {
        const portId = await portOf(await instanceOf(context), request.port, options);
        return ask({ command: "interfaceDetach", portId }, request, context);
      });
      return finish(changed, request, context);
    },
  };
}

interface Whose {
  readonly instance: InstanceRecord;
  readonly context: CallContext;
}

/** Chooses anew when an address that nobody asked for by name is another's by the time of the commit. */
async function attach(
  asked: AskedInterface,
  { instance, context: { requestId, signal } }: Whose,
  { networking }: InterfaceChangesOptions,
  ask: (rewiring: Rewiring) => Promise<Changed>,
): Promise<Changed> {
  const { project, id: instanceId } = instance;
  if ((asked.network === undefined) === (asked.port === undefined))
    throw faulty(
      asked.network === undefined ? "network" : "port",
      "is to be named, or the other one, not both",
    );
  const planned = (await interfacesOf({ networks: [asked] }, project, networking)) ?? [];
  const isFree = asked.port === undefined && asked.address === undefined;
  for (let attempt = 1; ; attempt += 1) {
    const one = { count: 1, atLeast: 1, isLate: () => signal.aborted };
    const chosen = await chooseInterfaces(planned, one, networking);
    let outcome: Parameters<typeof settleInterfaces>[1] = "refused";
    try {
      const wired = wire(
        { planned, chosen: chosen.each[0] ?? [], instanceId, project, requestId },
        networking,
      );
      const changed = await ask(attachmentOf(wired, planned.some(hasLimit)));
      outcome = "committed";
      return changed;
    } catch (thrown) {
      const isTaken = thrown instanceof StatusError && thrown.reason === "addressTaken";
      if (isTaken) outcome = "taken";
      if (!isTaken || !isFree || attempt >= createLimits.placementAttemptsMax) throw thrown;
    } finally {
      settleInterfaces(chosen, outcome, networking);
    }
  }
}

function attachmentOf({ interfaces, ports, plugs, events }: Wired, isLimited: boolean): Rewiring {
  const [only] = interfaces;
  if (only === undefined) throw new Error("One interface was asked for.");
  return { command: "interfaceAttach", interface: only, rows: [...ports, ...plugs], events, isLimited };
}

/** The port that is meant: by its id, one of its addresses, or its name. @throws notFound, ambiguous */
async function portOf(
  { id, project, interfaces }: InstanceRecord,
  key: string,
  { networking }: InterfaceChangesOptions,
): Promise<string> {
  const own = interfaces ?? [];
  const named = own.filter(
    ({ portId, addresses }) => portId === key || addresses.some(({ address }) => address === key),
  );
  const [only, ...others] = named;
  if (others.length > 0)
    throw new StatusError("ambiguous", `Instance ${id} has ${key} in several ports; say which by its id.`);
  if (only !== undefined) return only.portId;
  return (await findOwnRow(port, { project, id: key }, networking.store.rows)).id;
}
