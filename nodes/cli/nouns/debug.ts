/** novact debug: what every controller is doing now, for operators who look for what stands still. */
import { Command } from "commander";
import type { ActorState, ControllerHalf, LoopState } from "../../../protocol/controller.ts";
import { commandLimits } from "../limits.ts";
import type { Invoke, Run } from "../run.ts";
import type { Column } from "../table.ts";
import { plain, type Style } from "../terminal.ts";

/** A duration, short: the table of loops has to fit into 100 columns. */
function lasting(ms: number): string {
  if (ms < 1_000) return `${ms} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return ms < 7_200_000 ? `${Math.floor(ms / 60_000)} min` : `${Math.floor(ms / 3_600_000)} h`;
}

/** A round may begin this much late, on a computer that is busy. */
const lateMs = 5_000;

/** The state of a loop in one word: the worst that holds. */
function stateOf(loop: LoopState): string {
  const { phase, hanging, failed, endedAgoMs, underWayMs, pauseMs } = loop;
  if (hanging > 0) return "hanging";
  if (phase !== "up") return phase;
  if (underWayMs !== null) return "running";
  if (endedAgoMs === null) return "waiting";
  if (endedAgoMs > pauseMs + lateMs) return "late";
  return failed ? "failed" : "ok";
}

const stateStyles: Readonly<Record<string, Style>> = {
  ...{ ok: "green", running: "green", waiting: "dim", failed: "red" },
  ...{ hanging: "red", late: "red", resting: "yellow", crashed: "yellow" },
};

const loopColumns: readonly Column<LoopState>[] = [
  { title: "LOOP", value: ({ name }) => name },
  { title: "STATE", value: stateOf, style: (loop) => stateStyles[stateOf(loop)] },
  {
    title: "LAST",
    value: ({ endedAgoMs }) => (endedAgoMs === null ? "never" : `${lasting(endedAgoMs)} ago`),
  },
  { title: "TOOK", value: ({ tookMs }) => (tookMs === null ? "-" : lasting(tookMs)) },
  { title: "NOW", value: ({ underWayMs }) => (underWayMs === null ? "-" : lasting(underWayMs)) },
  { title: "RESTARTS", value: ({ restarts }) => String(restarts) },
  { title: "HANGING", value: ({ hanging }) => String(hanging), spare: true },
  { title: "DID", value: ({ did }) => did || "-", cut: true },
];

const actorColumns: readonly Column<ActorState>[] = [
  { title: "ACTOR", value: ({ path }) => path, cut: true },
  { title: "KIND", value: ({ kind }) => kind },
  {
    title: "STATE",
    value: ({ phase }) => phase,
    style: ({ phase }) => (phase === "up" ? "green" : "yellow"),
  },
  { title: "WAITING", value: ({ waiting }) => String(waiting) },
  { title: "RESTARTS", value: ({ restarts }) => String(restarts) },
];

/** What a half holds, in sentences. */
function factsOf({ residents, commits, publisher, actorsLeftOut }: ControllerHalf): readonly string[] {
  const held = residents.map(
    ({ noun, loaded, leaving, waiting }) =>
      `${noun}s in memory: ${loaded}, leaving: ${leaving}; messages that wait for them: ${waiting}`,
  );
  const written = commits && [
    `commits that wait: ${commits.waiting}, being written: ${commits.writing}` +
      (commits.writing > 0 ? ` for ${lasting(commits.writingMs)}` : ""),
  ];
  const left = actorsLeftOut > 0 ? [`actors that are not shown: ${actorsLeftOut}`] : [];
  return [...held, ...(written ?? []), ...(publisher === null ? [] : [publishedOf(publisher)]), ...left];
}

function publishedOf({
  publishedUpTo,
  committedUpTo,
  failures,
}: NonNullable<ControllerHalf["publisher"]>): string {
  const failed = failures > 0 ? `; rounds that failed in a row: ${failures}` : "";
  if (publishedUpTo === null) return `published events: not known yet${failed}`;
  if (committedUpTo === null)
    return `published up to event ${publishedUpTo}; the store does not say how many there are${failed}`;
  const behind = Math.max(0, committedUpTo - publishedUpTo);
  return `published up to event ${publishedUpTo} of ${committedUpTo}, behind: ${behind}${failed}`;
}

const titles = { actors: "actors, which serve commands", safety: "safety channel, which hears the hosts" };

async function printHalf(run: Run, half: ControllerHalf): Promise<void> {
  const { renderTable, linesOf } = await import("../table.ts");
  const title = plain(`${half.name}: ${titles[half.half] ?? half.half}, up for ${lasting(half.upMs)}`);
  run.print(run.paint("bold", title));
  const shown = { paint: run.paint, width: run.width };
  if (half.loops.length > 0) run.print(renderTable(loopColumns, half.loops, shown));
  if (half.actors.length > 0) run.print(renderTable(actorColumns, half.actors, shown));
  for (const fact of factsOf(half))
    for (const line of linesOf(plain(fact), run.width ?? Number.POSITIVE_INFINITY)) run.print(line);
}

export function debugCommand(invoke: Invoke): Command {
  return new Command("debug")
    .description("Shows what every controller does now: loops, actors, residents, commits. For operators.")
    .action((_options: object, command: Command) =>
      invoke(command, async (run) => {
        const session = await run.adminSession();
        const answered = await session.controller.debug(
          {},
          run.call({ atLeastMs: commandLimits.debugTimeoutMs }),
        );
        if (run.json) {
          run.emit(answered);
          return 0;
        }
        for (const [at, half] of answered.halves.entries()) {
          if (at > 0) run.print("");
          await printHalf(run, half);
        }
        run.remark(`Asked by ${plain(answered.answeredBy)}: ${answered.halves.length} halves answered.`);
        for (const name of answered.silent) run.remark(`${plain(name)} did not answer within a second.`);
        return 0;
      }),
    );
}
