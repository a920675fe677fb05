/**
 * Tries the handlers of a plug-in in memory, without a cluster: they are called as a controller calls them,
 * with the rights of their caller, the checks of request and answer, and rows, commit, clock, ids and log of
 * their own. Instances and hosts are those that the author gives; commands to them are noted, and nothing
 * more.
 */
import type { NamedExtensions } from "../../actors/control/extensions/definition.ts";
import { extensionServices } from "../../actors/control/extensions/implement.ts";
import { callInProcess, type OwnService } from "../../actors/control/extensions/in-process.ts";
import { MemoryStore } from "../../db/memory/store.ts";
import type { Event } from "../../protocol/event.ts";
import type { Host } from "../../protocol/host.ts";
import type { Instance } from "../../protocol/instance.ts";
import { services } from "../../protocol/services.ts";
import type { ResourceRow } from "../../protocol/wire/resource.ts";
import type { CallContext, Service } from "../../protocol/wire/service.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { adminProject } from "../../protocol/wire/subjects.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { validatorOf } from "../../protocol/wire/validate.ts";
import { SimulatedClock } from "./simulated-clock.ts";

/** An instance or host as the plug-in sees it: what it has to have, and what it is tried with. */
type Given<T> = Partial<T> & { readonly id: string; readonly name: string };

export interface ExtensionWorldOptions {
  /** Absent: none. An instance without a project is the project demo's. */
  readonly instances?: readonly Given<Instance>[];
  readonly hosts?: readonly Given<Host>[];
  /** Of the wall clock, in ms since 1970. Absent: the beginning of 2030. */
  readonly nowMs?: number;
}

export interface CalledWith {
  /** Absent: `demo`. */
  readonly project?: string;
  /** Id or name of what the method is about; absent for a method of a collection. */
  readonly id?: string;
  /** Absent: a new one. */
  readonly requestId?: string;
}

/** A command that an action has given to an instance or a host. */
export interface GivenCommand {
  /** As `instance.stop`. */
  readonly method: string;
  readonly id: string;
  readonly project: string;
  readonly request: object;
  /** The same when the action is repeated. */
  readonly requestId: string;
}

export interface NotedLine {
  readonly level: keyof Log;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

export interface ExtensionWorld {
  /** Calls a method, as `window.create`, and answers as a client is answered. @throws StatusError */
  call(method: string, request: object, called?: CalledWith): Promise<Readonly<Record<string, unknown>>>;
  /** What the plug-in says of the hosts now; its rows are read as the scheduler's loop reads them. */
  facts(): Promise<Readonly<Record<string, unknown>>>;
  /** All that was committed, in order. */
  events(): Promise<readonly Event[]>;
  readonly commands: readonly GivenCommand[];
  readonly lines: readonly NotedLine[];
  /** Stands still until it is advanced. */
  readonly clock: SimulatedClock;
}

/** Far more than any spec makes. */
const rowsMax = 1_000;
const deadlineMs = 60_000;

/** @param plugin its name, and what `parts` of its definition answers */
export function extensionWorld(plugin: NamedExtensions, options: ExtensionWorldOptions = {}): ExtensionWorld {
  const { nowMs } = options;
  const clock = new SimulatedClock(nowMs === undefined ? {} : { wallMs: nowMs });
  const store = new MemoryStore(clock);
  const ids = countedIds();
  const [commands, lines]: [GivenCommand[], NotedLine[]] = [[], []];
  const note = (command: GivenCommand) => void commands.push(command);
  const instances = (options.instances ?? []).map((one) => ({ project: "demo", ...one }));
  const implementations = extensionServices([plugin], {
    ...{ store, clock, ids, log: logInto(lines), commit: (changes) => store.commit(changes) },
    instance: targets(services.instance, { all: instances, one: "instance", many: "instances" }, note),
    host: targets(services.host, { all: options.hosts ?? [], one: "host", many: "hosts" }, note),
  });
  return {
    ...{ commands, lines, clock },
    async call(method, request, { project = "demo", id = "", requestId = ids.next() } = {}) {
      const [noun = "", name = ""] = method.split(".");
      const found = implementations.find(({ service }) => service.noun === noun);
      if (found === undefined) throw new StatusError("unknownMethod", `There is no method ${method}.`);
      const context = contextOf({ project, id, requestId }, clock.monotonicMs() + deadlineMs);
      return answered(found.service, name, await callInProcess(found, name, request, context));
    },
    async facts() {
      const { facts } = plugin.parts;
      if (facts === undefined) throw new Error(`The plug-in ${plugin.name} has no facts.`);
      const rows: Record<string, readonly ResourceRow[]> = {};
      for (const resource of facts.from)
        rows[resource.noun] = (await store.rows.list(resource, { limit: rowsMax })) as readonly ResourceRow[];
      const hosts = (options.hosts ?? []).map(({ id, name }) => ({ id, name }));
      return facts.of({ rows, hosts, nowMs: clock.nowMs() });
    },
    events: async () => (await store.events.list({ after: 0, limit: rowsMax })).events,
  };
}

function countedIds() {
  let last = 0;
  return {
    next: () => {
      last += 1;
      // Lists are in order of ids.
      return `id-${String(last).padStart(6, "0")}`;
    },
  };
}

function logInto(lines: NotedLine[]): Log {
  const at = (level: NotedLine["level"]) => (fields: NotedLine["fields"], message: string) =>
    void lines.push({ level, fields, message });
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

const contextOf = (about: Pick<CallContext, "project" | "id" | "requestId">, until: number): CallContext => ({
  ...about,
  ...{ deadlineMs: until, traceparent: undefined, signal: new AbortController().signal },
  onlyWaits: () => undefined,
});

/** An answer that a client's validator would not take is a fault of the plug-in. */
function answered(service: Service, name: string, answer: unknown): Readonly<Record<string, unknown>> {
  const schema = service.methods[name]?.answer;
  const validator = schema && validatorOf(schema);
  if (typeof answer !== "object" || answer === null || validator?.accepts(answer) === false)
    throw new Error(`${service.noun}.${name} has answered what it must not: ${validator?.explain(answer)}`);
  return { ...answer };
}

interface Targets {
  readonly all: readonly (Given<Instance> | Given<Host>)[];
  readonly one: string;
  readonly many: string;
}

/** A service of ours whose objects are those that are given, and whose commands are noted. */
function targets(
  service: Service,
  { all, one, many }: Targets,
  note: (command: GivenCommand) => void,
): OwnService {
  const seenBy = ({ project }: CallContext) =>
    all.filter((each) => project === adminProject || !("project" in each) || each.project === project);
  const found = (context: CallContext, byName: boolean) => {
    const each = seenBy(context).find(({ id, name }) => id === context.id || (byName && name === context.id));
    if (each !== undefined) return { [one]: each };
    throw new StatusError(one === "host" ? "hostNotFound" : "instanceNotFound", `There is no ${context.id}.`);
  };
  // Ours finds a host by its name as well.
  const get = async (_request: never, context: CallContext) => found(context, one === "host");
  const list = async (request: { readonly name?: string }, context: CallContext) => ({
    [many]: seenBy(context).filter(({ name }) => request.name === undefined || name === request.name),
  });
  const noting = (name: string) => async (request: object, context: CallContext) => {
    const { project, id, requestId } = context;
    const answer = found(context, false);
    note({ method: `${service.noun}.${name}`, id, project, request, requestId });
    return answer;
  };
  const noted = Object.keys(service.methods).map((name) => [name, noting(name)] as const);
  return { service, handlers: { ...Object.fromEntries(noted), get, list } };
}
