/**
 * Which instances are meant, when nobody names them: the filters of `instance list`, and of every command
 * that takes several instances. One list of options and one request, so that what is listed is what is
 * done.
 */
import { type Command, Option } from "commander";
import type { Instance } from "../../../protocol/instance.ts";
import { instanceStates } from "../../../protocol/states.ts";
import { adminProject } from "../../../protocol/wire/subjects.ts";
import { CommandError } from "../errors.ts";
import { type Moment, momentMs, parseMoment, parsePair } from "../format.ts";
import type { Asked, ReadPage } from "../lists/listed.ts";
import { SeveralOption } from "../lists/several-option.ts";
import { hostId } from "../resolve.ts";
import type { Run } from "../run.ts";
import type { Session } from "../session.ts";

export interface InstanceFilters {
  readonly name?: readonly string[];
  readonly state?: readonly Instance["state"][];
  readonly host?: readonly string[];
  readonly flavor?: readonly string[];
  readonly image?: readonly string[];
  readonly group?: readonly string[];
  readonly metadata?: Record<string, string>;
  readonly createdAfter?: Moment;
  readonly createdBefore?: Moment;
  readonly deleted?: boolean;
}

const collected = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

export const instanceFilters = (command: Command): Command =>
  command
    .addOption(
      new Option("--name <name>", "of this name, or like it: 'web-*', 'db-?'; repeatable").argParser(
        collected,
      ),
    )
    .addOption(new SeveralOption("--state <states>", "in one of these states", instanceStates))
    .option("--host <host>", "on this host, by name or id; repeatable", collected)
    .option("--flavor <flavor>", "of this flavor, by name or id; repeatable", collected)
    .option("--image <image>", "of this image, by name or id; repeatable", collected)
    .option("--group <group>", "of this server group, by name or id; repeatable", collected)
    .option("--metadata <key=value>", "with this pair; repeatable", parsePair)
    .option("--created-after <time>", "made then or later: 30m, 2d, 2026-11-29", parseMoment)
    .option("--created-before <time>", "made before: 30m, 2d, 2026-11-29", parseMoment);

/** Signs that make a name a pattern. */
const isPattern = (name: string): boolean => /[*?\\]/.test(name);

/** Reads the instances that pass all filters. @throws CommandError for filters that cannot be put together */
export async function instanceReader({
  run,
  session,
  options,
}: Asked<InstanceFilters>): Promise<ReadPage<Instance>> {
  const { state, host, flavor, image, group, metadata, deleted } = options;
  const query = {
    ...nameQuery(options.name),
    ...(state === undefined ? {} : { states: [...state] }),
    ...(host === undefined ? {} : await hostQuery(run, session, host)),
    ...(flavor === undefined ? {} : { flavors: [...flavor] }),
    ...(image === undefined ? {} : { images: [...image] }),
    ...(group === undefined ? {} : { serverGroups: [...group] }),
    ...(metadata === undefined ? {} : { metadata }),
    ...timeQuery(options, run.terminal.nowMs()),
    ...(deleted === undefined ? {} : { deleted }),
  };
  return async (page) => {
    const { instances, nextMarker } = await session.instance.list({ ...query, ...page }, run.call());
    return { rows: instances, nextMarker };
  };
}

function nameQuery(names: readonly string[] | undefined) {
  if (names === undefined) return {};
  const [only = "", ...others] = names;
  if (!names.some(isPattern)) return { names: [...names] };
  if (others.length === 0) return { namePattern: only };
  throw new CommandError(
    "usage",
    "Only one pattern of names at a time.",
    "Give one --name, or names without * and ?.",
  );
}

/** Operators may name several; for a project the cluster takes the id of one. */
async function hostQuery(run: Run, session: Session, keys: readonly string[]) {
  const [only = "", ...others] = keys;
  if (session.project === adminProject) return { hosts: [...keys] };
  if (others.length === 0) return { hostId: await hostId(run, only) };
  throw new CommandError(
    "usage",
    "Only operators choose by several hosts.",
    "Give one --host, or --project admin.",
  );
}

function timeQuery({ createdAfter, createdBefore }: InstanceFilters, nowMs: number) {
  return {
    ...(createdAfter === undefined ? {} : { createdAfterMs: momentMs(createdAfter, nowMs) }),
    ...(createdBefore === undefined ? {} : { createdBeforeMs: momentMs(createdBefore, nowMs) }),
  };
}
