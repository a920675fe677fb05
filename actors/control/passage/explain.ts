/**
 * Explains a passage between two instances: finds both as the caller may see them, asks their hosts which
 * picture is applied, reads the rows of the picture to apply, and has decide.ts compare. It changes nothing.
 */
import { wireLimits } from "../../../protocol/limits/wire.ts";
import type { hostAgentService } from "../../../protocol/machine.ts";
import { network, type networkService } from "../../../protocol/network.ts";
import { securityGroup } from "../../../protocol/security-group.ts";
import { faulty } from "../../../protocol/wire/denials.ts";
import type { CallContext, Client, Handlers } from "../../../protocol/wire/service.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import { isIdShaped } from "../../../protocol/wire/text.ts";
import type { InstanceRow } from "../../ports/instance-reads.ts";
import type { NetworkingRows } from "../../ports/networking-reads.ts";
import type { StorePart } from "../../ports/store.ts";
import type { HostDirectory } from "../directory/directory.ts";
import { instanceView } from "../instance/state.ts";
import { mayRead, scopeOf } from "../request/tenancy.ts";
import { passage, type Question } from "./decide.ts";
import type { End, EndHost, HostWord, Names } from "./facts.ts";

export interface ExplainOptions {
  readonly store: StorePart<{ instances: "get" | "list"; networking: "ofHost"; rows: "called" }>;
  readonly directory: Pick<HostDirectory, "facts" | "get" | "alive">;
  readonly hostAgent: (hostId: string) => Pick<Client<typeof hostAgentService>, "networkState">;
}

type Explain = Handlers<typeof networkService>["explain"];

/** @throws instanceNotFound, ambiguous, schemaMismatch */
export const explainHandler =
  (options: ExplainOptions): Explain =>
  async (request, context) => {
    const called = calledBy(request);
    const [from, to] = await Promise.all([
      instanceCalled(request.from, context, options),
      instanceCalled(request.to, context, options),
    ]);
    if (from.instance.id === to.instance.id) throw faulty("to", "is the same instance as from");
    const ends = await endsOf([from, to], options);
    const names = await namesOf(ends, options);
    const operator = context.project === adminProject;
    return passage({ from: ends[0], to: ends[1], ...called, names, operator });
  };

type Request = Parameters<Explain>[0];

/** @throws schemaMismatch */
function calledBy({ protocol, port }: Request): Pick<Question, "protocol" | "port"> {
  const its = protocol ?? (port === undefined ? "icmp" : "tcp");
  if (its === "icmp" && port !== undefined) throw faulty("port", "does not go with icmp, which has none");
  if (its !== "icmp" && port === undefined) throw faulty("port", `is missing: which port of ${its}?`);
  return { protocol: its, port: port ?? null };
}

/** As many as are named in an error. */
const namedMax = 10;

async function instanceCalled(
  key: string,
  context: CallContext,
  { store }: ExplainOptions,
): Promise<InstanceRow> {
  if (isIdShaped(key)) {
    const row = await store.instances.get(key);
    if (row !== undefined && mayRead(context, row.instance.project)) return row;
    throw notFound(key);
  }
  const query = { ...scopeOf(context), names: [key], limit: namedMax };
  const [only, ...others] = (await store.instances.list(query)).rows;
  if (only === undefined) throw notFound(key);
  if (others.length === 0) return only;
  const ids = [only, ...others].map(({ instance }) => instance.id).join(", ");
  throw new StatusError("ambiguous", `Several instances are called ${key}: ${ids}.`);
}

const notFound = (key: string): StatusError =>
  new StatusError("instanceNotFound", `There is no instance ${key}.`);

/** Hosts are asked before rows are read: who knows of later events than the rows has more, not less. */
async function endsOf(
  rows: readonly [InstanceRow, InstanceRow],
  options: ExplainOptions,
): Promise<readonly [End, End]> {
  const hostIds = [...new Set(rows.flatMap(({ instance }) => instance.hostId ?? []))];
  const words = await Promise.all(hostIds.map((id) => wordOf(id, options)));
  const told = await Promise.all(hostIds.map((id) => options.store.networking.ofHost(id)));
  const known = new Map(hostIds.map((id, at) => [id, { word: words[at], rows: told[at] }] as const));
  const end = (row: InstanceRow): End => {
    const { word, rows: its } = known.get(row.instance.hostId ?? "") ?? {};
    return endOf(row, { word, rows: its }, options);
  };
  return [end(rows[0]), end(rows[1])];
}

async function wordOf(hostId: string, { directory, hostAgent }: ExplainOptions): Promise<HostWord> {
  if (!directory.alive(hostId)) return { kind: "unheard", why: "silent" };
  try {
    const asked = hostAgent(hostId).networkState({}, { timeoutMs: wireLimits.hostRequestTimeoutMs });
    return { kind: "said", networking: (await asked).networking };
  } catch (thrown) {
    if (thrown instanceof StatusError) return { kind: "unheard", why: "unanswered" };
    throw thrown;
  }
}

interface OfHost {
  readonly word: HostWord | undefined;
  readonly rows: NetworkingRows | undefined;
}

function endOf(row: InstanceRow, { word, rows }: OfHost, { directory }: ExplainOptions): End {
  const { id: instanceId, name, interfaces, hostId } = row.instance;
  const found = hostId === null ? undefined : directory.get(hostId);
  const host: EndHost | null =
    found === undefined || word === undefined
      ? null
      : { id: found.id, name: found.name, drivers: found.drivers, bootId: found.bootId, word };
  const { state } = instanceView(row, directory.facts(hostId));
  return { instanceId, name, state, interfaces, host, rows: rows ?? null };
}

/** Of the networks that the ends are on, and of the groups that their ports have and their rules name. */
async function namesOf(ends: readonly End[], { store }: ExplainOptions): Promise<Names> {
  const networkIds = ends.flatMap(({ interfaces }) => (interfaces ?? []).map(({ networkId }) => networkId));
  const [networks, groups] = await Promise.all([
    Promise.all([...new Set(networkIds)].map((id) => store.rows.called(network, id))),
    Promise.all([...new Set(ends.flatMap(groupIdsOf))].map((id) => store.rows.called(securityGroup, id))),
  ]);
  const named = (rows: readonly (readonly { readonly id: string; readonly name: string }[])[]) =>
    new Map(rows.flat().map(({ id, name }) => [id, name]));
  return { networks: named(networks), groups: named(groups) };
}

function groupIdsOf({ interfaces, rows }: End): readonly string[] {
  const own = new Set((interfaces ?? []).map(({ portId }) => portId));
  const groups = (rows?.memberships ?? [])
    .filter(({ portId }) => own.has(portId))
    .map(({ groupId }) => groupId);
  const rules = (rows?.rules ?? []).filter(({ groupId }) => groups.includes(groupId));
  return [...groups, ...rules.flatMap(({ remoteGroupId }) => remoteGroupId ?? [])];
}
