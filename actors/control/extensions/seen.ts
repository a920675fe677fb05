/** Instances and hosts as the caller of a plug-in sees them: by our own handlers, never from the store. */
import type { Host } from "../../../protocol/host.ts";
import type { Instance } from "../../../protocol/instance.ts";
import type { CallContext } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import type { Seen } from "./definition.ts";
import { callInProcess, type OwnService } from "./in-process.ts";

export function seenInstances(service: OwnService): Seen<Instance> {
  const list = async (context: CallContext, request: object) => {
    const all = await callInProcess(service, "list", request, { ...context, id: "" });
    const { instances, nextMarker } = all as { instances: Instance[]; nextMarker?: string };
    return { rows: instances, ...(nextMarker === undefined ? {} : { nextMarker }) };
  };
  return {
    list,
    async get(context, key) {
      try {
        const found = await callInProcess(service, "get", {}, { ...context, id: key });
        return (found as { instance: Instance }).instance;
      } catch (thrown) {
        if (!(thrown instanceof StatusError) || thrown.reason !== "instanceNotFound") throw thrown;
        const { rows } = await list(context, { name: key, limit: 2 });
        const [only, another] = rows;
        if (only === undefined) throw thrown;
        if (another === undefined) return only;
        const ids = rows.map(({ id }) => id).join(", ");
        throw new StatusError("ambiguous", `More than one instance is called ${key}: ${ids}.`);
      }
    },
  };
}

export function seenHosts(service: OwnService): Seen<Host> {
  return {
    async list(context, request) {
      const all = await callInProcess(service, "list", request, { ...context, id: "" });
      const { hosts, nextMarker } = all as { hosts: Host[]; nextMarker?: string };
      return { rows: hosts, ...(nextMarker === undefined ? {} : { nextMarker }) };
    },
    async get(context, key) {
      const found = await callInProcess(service, "get", {}, { ...context, id: key });
      return (found as { host: Host }).host;
    },
  };
}
