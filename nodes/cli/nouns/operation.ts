/** novact operation …: the operations of commands. */
import { Command } from "commander";
import type { Operation } from "../../../protocol/operation.ts";
import { operationKinds, operationStates } from "../../../protocol/states.ts";
import { StatusError } from "../../../protocol/wire/status.ts";
import { exitCodeOf, exitCodes } from "../../package/exit-codes.ts";
import { age, duration, type Moment, momentMs, parseMoment, time } from "../format.ts";
import { commandLimits } from "../limits.ts";
import { listCommand } from "../lists/list-command.ts";
import type { Listed, View } from "../lists/listed.ts";
import { Names, type Thing } from "../lists/names.ts";
import { SeveralOption } from "../lists/several-option.ts";
import { waitForAll } from "../progress.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import type { Column, Fact } from "../table.ts";
import { stateStyle } from "./instance-view.ts";

export function operationCommand(invoke: Invoke): Command {
  const noun = new Command("operation").description("What became of commands, with their steps and times.");
  noun.addCommand(listCommand(invoke, list));
  noun.addCommand(showCommand(invoke));
  return noun;
}

interface OperationFilters {
  readonly instance?: readonly string[];
  readonly state?: readonly Operation["state"][];
  readonly kind?: readonly Operation["kind"][];
  readonly since?: Moment;
}

const collected = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];

const list: Listed<Operation, OperationFilters> = {
  description: "Lists operations, newest first.",
  filters: (command) =>
    command
      .option("--instance <instance>", "only of this instance, by name or id; repeatable", collected)
      .addOption(new SeveralOption("--state <states>", "only in one of these states", operationStates))
      .addOption(new SeveralOption("--kind <kinds>", "only of these kinds", operationKinds))
      .option("--since <time>", "only begun since then: 30m, 2d, 2026-11-29", parseMoment),
  reader: async ({ run, session, options }) => {
    const { instance, state, kind, since } = options;
    const ids = await Promise.all((instance ?? []).map((key) => instanceId(run, session, key)));
    const query = {
      ...(instance === undefined ? {} : { instanceIds: ids }),
      ...(state === undefined ? {} : { states: [...state] }),
      ...(kind === undefined ? {} : { kinds: [...kind] }),
      ...(since === undefined ? {} : { sinceMs: momentMs(since, run.terminal.nowMs()) }),
    };
    return async (page) => {
      const { operations, nextMarker } = await session.operation.list({ ...query, ...page }, run.call());
      return { rows: operations, nextMarker };
    };
  },
  columns: ({ nowMs, nameOf }) => columns(nowMs, nameOf),
  keyOf: ({ id }) => id,
  said: saidBy,
  named: (row) => [thingOf(row)],
  defaults: () => ({ first: "newest", limit: commandLimits.newestRows }),
  follows: ["instance", "host"],
};

const thingOf = ({ noun = "instance", entityId, instanceId }: Operation): Thing => ({
  noun,
  id: entityId ?? instanceId,
});

function saidBy(row: Operation): (Thing & { readonly name: string }) | undefined {
  return row.instanceName === undefined ? undefined : { ...thingOf(row), name: row.instanceName };
}

const columns = (nowMs: number, nameOf: View["nameOf"]): readonly Column<Operation>[] => [
  { title: "ID", value: ({ id }) => id },
  { title: "KIND", value: ({ kind }) => kind },
  { title: "OF", value: (row) => nameOf(thingOf(row)), cut: true },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => stateStyle(state) },
  { title: "TO", value: placedOn, spare: true },
  { title: "STEP", value: ({ step }) => step, spare: true },
  { title: "TOOK", value: tookOf, order: ({ startedAtMs, endedAtMs }) => (endedAtMs ?? nowMs) - startedAtMs },
  {
    title: "AGE",
    value: ({ startedAtMs }) => age(startedAtMs, nowMs),
    order: ({ startedAtMs }) => nowMs - startedAtMs,
    passing: true,
  },
  { title: "ID OF THAT", value: (row) => thingOf(row).id, wide: true },
  { title: "STARTED", value: ({ startedAtMs }) => time(startedAtMs), wide: true },
  { title: "ERROR", value: ({ error }) => (error === null ? "-" : error.reason), wide: true },
];

/** The host that the operation chose: where a create, a move or a recovery leads to. */
const placedOn = ({ toHost, steps }: Operation): string =>
  toHost?.name ?? steps.findLast(({ step }) => step === "placed")?.message ?? "-";

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
        const name = await nameOf(run, session, operation);
        const [ended = operation] =
          wait === true ? await waitForAll(run, session, [{ operation, name }]) : [operation];
        if (run.json) run.emit(ended);
        else await print(run, ended, name);
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

/** The name of what it is an operation of, else its id. */
async function nameOf(run: Run, session: Session, operation: Operation): Promise<string> {
  const names = new Names(run, session);
  const said = saidBy(operation);
  if (said === undefined) await names.lookUp([thingOf(operation)]);
  return said?.name ?? names.of(thingOf(operation)) ?? thingOf(operation).id;
}

async function print(run: Run, operation: Operation, name: string): Promise<void> {
  const { indented, renderFacts, renderTable } = await import("../table.ts");
  run.print(renderFacts(facts(operation, { name, typed: run.typed }), run.paint, run.width));
  const rows = operation.steps.map((step) => ({ ...step, afterMs: step.atMs - operation.startedAtMs }));
  const steps = renderTable(
    [
      { title: "STEP", value: ({ step }) => step },
      { title: "AFTER", value: ({ afterMs }) => duration(Math.max(0, afterMs)) },
      { title: "WHAT", value: ({ message }) => message ?? "", cut: true },
    ],
    rows,
    { ...run.tableOptions, width: run.width - 2 },
  );
  run.print(`\n${indented(steps)}`);
}

interface Saying {
  /** Of what it is an operation of. */
  readonly name: string;
  readonly typed: Run["typed"];
}

const facts = (operation: Operation, { name, typed }: Saying): readonly Fact[] => [
  ["id", operation.id],
  ["kind", operation.kind],
  [thingOf(operation).noun, name === thingOf(operation).id ? name : `${name} (${thingOf(operation).id})`],
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
