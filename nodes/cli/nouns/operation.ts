/** novact operation …: the operations of commands. */
import { Command } from "commander";
import type { Operation } from "../../../protocol/operation.ts";
import { operationKinds, operationStates } from "../../../protocol/states.ts";
import { exitCodeOf, exitCodes } from "../../package/exit-codes.ts";
import { errorLines } from "../errors.ts";
import { age, duration, type Moment, momentMs, parseMoment, time } from "../format.ts";
import { commandLimits } from "../limits.ts";
import { listCommand } from "../lists/list-command.ts";
import type { Listed, View } from "../lists/listed.ts";
import { Names } from "../lists/names.ts";
import { SeveralOption } from "../lists/several-option.ts";
import { waitForEnd } from "../progress.ts";
import { instanceId } from "../resolve.ts";
import type { Invoke, Run } from "../run.ts";
import type { Session } from "../session.ts";
import type { Column, Fact } from "../table.ts";
import { painter } from "../terminal.ts";
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
  said: ({ instanceId: id, instanceName: name }) =>
    name === undefined ? undefined : { noun: "instance", id, name },
  named: ({ instanceId: id }) => [{ noun: "instance", id }],
  defaults: () => ({ first: "newest", limit: commandLimits.newestRows }),
  follows: ["instance"],
};

const columns = (nowMs: number, nameOf: View["nameOf"]): readonly Column<Operation>[] => [
  { title: "ID", value: ({ id }) => id },
  { title: "KIND", value: ({ kind }) => kind },
  { title: "INSTANCE", value: ({ instanceId: id }) => nameOf({ noun: "instance", id }), cut: true },
  { title: "STATE", value: ({ state }) => state, style: ({ state }) => stateStyle(state) },
  { title: "HOST", value: placedOn, spare: true },
  { title: "STEP", value: ({ step }) => step, spare: true },
  { title: "TOOK", value: tookOf, order: ({ startedAtMs, endedAtMs }) => (endedAtMs ?? nowMs) - startedAtMs },
  {
    title: "AGE",
    value: ({ startedAtMs }) => age(startedAtMs, nowMs),
    order: ({ startedAtMs }) => nowMs - startedAtMs,
    passing: true,
  },
  { title: "INSTANCE ID", value: ({ instanceId: id }) => id, wide: true },
  { title: "STARTED", value: ({ startedAtMs }) => time(startedAtMs), wide: true },
  { title: "ERROR", value: ({ error }) => (error === null ? "-" : error.reason), wide: true },
];

/** The host that the operation chose: where a create, a move or a recovery leads to. */
const placedOn = ({ steps }: Operation): string =>
  steps.findLast(({ step }) => step === "placed")?.message ?? "-";

const tookOf = ({ startedAtMs, endedAtMs }: Operation): string =>
  endedAtMs === null ? "-" : duration(endedAtMs - startedAtMs);

function showCommand(invoke: Invoke): Command {
  return new Command("show")
    .description("Shows one operation with its steps.")
    .argument("<operation>", "its id")
    .option("--wait", "wait for its end, and show the steps")
    .action((id: string, { wait }: { wait?: boolean }, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.session();
        const { operation } = await session.operation.get(id, {}, run.call());
        const name = await nameOfInstance(run, session, operation);
        const ended = wait === true ? await waitForEnd(run, session, { operation, name }) : operation;
        if (run.json) run.emit(ended);
        else await print(run, ended, name);
        return wait === true ? exitOf(run, ended) : exitCodes.ok.exit;
      }),
    );
}

async function nameOfInstance(run: Run, session: Session, operation: Operation): Promise<string> {
  const thing = { noun: "instance", id: operation.instanceId };
  const names = new Names(run, session);
  if (operation.instanceName === undefined) await names.lookUp([thing]);
  return operation.instanceName ?? names.of(thing) ?? operation.instanceId;
}

async function print(run: Run, operation: Operation, name: string): Promise<void> {
  const { indented, renderFacts, renderTable } = await import("../table.ts");
  run.print(renderFacts(facts(operation, name), run.paint, run.width));
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

const facts = (operation: Operation, name: string): readonly Fact[] => [
  ["id", operation.id],
  ["kind", operation.kind],
  ["instance", name === operation.instanceId ? name : `${name} (${operation.instanceId})`],
  ["state", `${operation.state} (${operation.percent} %)`, stateStyle(operation.state)],
  [
    "error",
    operation.error === null ? undefined : `${operation.error.reason}: ${operation.error.message}`,
    "red",
  ],
  ["next", operation.error?.next],
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
  if (!run.json) run.terminal.err.write(errorLines(error, painter(run.terminal.err, run.terminal.env)));
  return exitCodeOf(error.code);
}
