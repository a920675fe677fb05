/** novact operation …: the operations of commands. */
import { Command, Option } from "commander";
import type { Operation } from "../../../protocol/operation.ts";
import { operationStates } from "../../../protocol/states.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { exitCodeOf, exitCodes } from "../../package/exit-codes.ts";
import { age, duration, parsePositive, time } from "../format.ts";
import { readPages } from "../pages.ts";
import { waitForAll } from "../progress.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import type { Column, Fact } from "../table.ts";
import { stateStyle } from "./instance-view.ts";

export function operationCommand(invoke: Invoke): Command {
  const noun = new Command("operation").description("What became of commands, with their steps and times.");
  noun.addCommand(listCommand(invoke));
  noun.addCommand(showCommand(invoke));
  return noun;
}

function listCommand(invoke: Invoke): Command {
  return new Command("list")
    .description("Lists operations, oldest first.")
    .option("--instance <instance>", "only of this instance, by name or id")
    .addOption(new Option("--state <state>", "only in this state").choices(operationStates))
    .option("--limit <n>", "at most so many", parsePositive)
    .action((options: { instance?: string; state?: Operation["state"]; limit?: number }, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const { instance, state } = options;
        const query = {
          ...(instance === undefined ? {} : { instanceId: await instanceId(run, session, instance) }),
          ...(state === undefined ? {} : { state }),
        };
        const { rows, more } = await readPages<Operation>(async (page) => {
          const { operations, nextMarker } = await session.operation.list({ ...query, ...page }, run.call());
          return { rows: operations, nextMarker };
        }, options.limit);
        const names = run.json ? new Map<string, string>() : await namesOf(run, session, rows);
        await run.list(rows, columns(names, run.terminal.nowMs()));
        if (more) run.remark(`There are more than these ${rows.length}.`);
        return 0;
      }),
    );
}

/**
 * The names of what the operations are of, as many as can be read quickly: an id would take up half of the
 * 100 columns.
 */
async function namesOf(
  run: Run,
  session: Session,
  operations: readonly Operation[],
): Promise<Map<string, string>> {
  const idsOf = (list: readonly Operation[]) =>
    [...new Set(list.map(({ instanceId: id }) => id))].slice(-namedMax);
  const { host = [], instance = [] } = Object.groupBy(operations, ({ noun = "instance" }) => noun);
  const found = await Promise.allSettled([
    ...idsOf(instance).map(async (id) => (await session.instance.get(id, {}, run.call())).instance),
    ...idsOf(host).map(async (id) => (await session.host.get(id, {}, run.call())).host),
  ]);
  return new Map(
    found.flatMap((one) => (one.status === "fulfilled" ? [[one.value.id, one.value.name]] : [])),
  );
}

const namedMax = 100;

const columns = (names: ReadonlyMap<string, string>, nowMs: number): readonly Column<Operation>[] => [
  { title: "ID", value: ({ id }) => id },
  { title: "KIND", value: ({ kind }) => kind },
  {
    title: "OF",
    value: (row) => names.get(row.instanceId) ?? `…${row.instanceId.slice(-12)}`,
    cut: true,
  },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => stateStyle(state) },
  { title: "STEP", value: ({ step }) => step, spare: true },
  { title: "TOOK", value: tookOf },
  { title: "AGE", value: ({ startedAtMs }) => age(startedAtMs, nowMs) },
  { title: "TO", value: ({ toHost }) => toHost?.name ?? "-", spare: true },
];

const tookOf = ({ startedAtMs, endedAtMs }: Operation): string =>
  endedAtMs === null ? "-" : duration(endedAtMs - startedAtMs);

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one operation with its steps.")
    .argument("<operation>", "its id")
    .option("--wait", "wait for its end, and show the steps")
    .action((id: string, { wait }: { wait?: boolean }, command: Command) =>
      invoke(command, async (run) => {
        const { session, operation } = await find(run, id);
        const [ended = operation] =
          wait === true
            ? await waitForAll(run, session, [{ operation, name: operation.instanceId }])
            : [operation];
        if (run.json) run.emit(ended);
        else await print(run, ended);
        return wait === true ? exitOf(run, ended) : exitCodes.ok.exit;
      }),
    );
}

/** The operation, in the user's project or, for an operator, in that of operators. @throws StatusError */
async function find(run: Run, id: string): Promise<{ session: Session; operation: Operation }> {
  const session = await run.session();
  try {
    return { session, operation: (await session.operation.get(id, {}, run.call())).operation };
  } catch (thrown) {
    if (!(thrown instanceof StatusError) || thrown.reason !== "operationNotFound") throw thrown;
    const admin = await run.adminSession().catch(() => undefined);
    if (admin === undefined) throw thrown;
    return { session: admin, operation: (await admin.operation.get(id, {}, run.call())).operation };
  }
}

async function print(run: Run, operation: Operation): Promise<void> {
  const { indented, renderFacts, renderTable } = await import("../table.ts");
  run.print(renderFacts(facts(operation, run.typed), run.paint, run.width));
  const rows = operation.steps.map((step) => ({ ...step, afterMs: step.atMs - operation.startedAtMs }));
  const steps = renderTable(
    [
      { title: "STEP", value: ({ step }) => step },
      { title: "AFTER", value: ({ afterMs }) => duration(Math.max(0, afterMs)) },
      { title: "WHAT", value: ({ message }) => message ?? "", cut: true },
    ],
    rows,
    { paint: run.paint },
  );
  run.print(`\n${indented(steps)}`);
}

const facts = (operation: Operation, typed: Run["typed"]): readonly Fact[] => [
  ["id", operation.id],
  ["kind", operation.kind],
  [operation.noun ?? "instance", operation.entityId ?? operation.instanceId],
  ["to", operation.toHost?.name],
  ["state", `${operation.state} (${operation.percent} %)`, stateStyle(operation.state)],
  [
    "error",
    operation.error === null ? undefined : `${operation.error.reason}: ${operation.error.message}`,
    "red",
  ],
  ["next", operation.error === null ? undefined : typed(operation.error.next)],
  ["request id", operation.requestId],
  ["started", time(operation.startedAtMs)],
  [
    "ended",
    operation.endedAtMs === null ? undefined : `${time(operation.endedAtMs)}, after ${tookOf(operation)}`,
  ],
  ["deadline", operation.endedAtMs === null ? time(operation.deadlineAtMs) : undefined],
];

function exitOf(run: Run, { error }: Operation): number {
  if (error === null) return exitCodes.ok.exit;
  if (!run.json) run.tell(error);
  return exitCodeOf(error.code);
}
