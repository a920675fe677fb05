/** Rows, actions and facts of a plug-in in the crash matrix, as data. */
import { type Act, ask, command, created, type Operation } from "./crash-matrix-acts.ts";
import { epochMs } from "./process.ts";

/** Every controller has the plug-in, whose filter refuses hosts on which work is planned. */
const extended = { parameters: { oneVersion: true, extended: true } } as const;

const sewn = ask("signal-flag.create", "", { name: "one", color: "red" });
const hoisting = ask("signal-flag.hoist", "one", { raised: true });
const removing = ask("signal-flag.delete", "one");
const others = (name: string) => ask("signal-flag.create", "", { name, color: "blue" });

/** Until long after the run. */
const planned = (host: string): Act =>
  ask("maintenance-window.create", "", { name: `work-on-${host}`, host, fromMs: 0, toMs: 2 * epochMs });
const ended = (host: string): Act => ({
  ...ask("maintenance-window.delete", `work-on-${host}`),
  atMs: 4_000,
});
const everywhere = [planned("h1"), planned("h2")];
const twoWindows = ["maintenance-window created", "maintenance-window created"];

export const extensions: readonly Operation[] = [
  {
    ...{ ...extended, name: "plug-in: row made", prepare: [], act: [sewn] },
    ...{ done: [["signal-flag created"]], undone: [[]] },
  },
  {
    ...{ ...extended, name: "plug-in: row changed", prepare: [sewn], act: [hoisting] },
    ...{ done: [["signal-flag changed"]], undone: [["signal-flag created"]] },
  },
  {
    ...{ ...extended, name: "plug-in: row removed", prepare: [sewn], act: [removing] },
    ...{ done: [["signal-flag deleted"]], undone: [["signal-flag created"]] },
  },
  {
    // Three fit in a project: one more is refused, whichever of the two it is.
    ...{ ...extended, name: "plug-in: two rows, room for one" },
    ...{ prepare: [others("a"), others("b")], act: [others("c"), others("d")] },
    done: [["signal-flag created", "signal-flag created", "signal-flag created"]],
    undone: [
      ["signal-flag created", "signal-flag created", "signal-flag created"],
      ["signal-flag created", "signal-flag created"],
    ],
  },
  {
    // The command is the target's own; the action's answer comes after it.
    ...{ ...extended, name: "plug-in: action on an instance", prepare: created },
    act: [command("guestMark", 0, { target: 3 })],
    ...{ done: [["stopped"]], undone: [["running"], ["stopped"]] },
  },
  {
    ...{ ...extended, name: "plug-in: create where its facts forbid it", prepare: everywhere, act: created },
    ...{ done: [twoWindows], undone: [twoWindows] },
  },
  {
    ...{ ...extended, name: "plug-in: create when its facts allow it again" },
    // On all hosts: a build that fails on one of them needs another.
    prepare: [...everywhere, ended("h1"), ended("h2")],
    act: created,
    done: [["maintenance-window deleted", "maintenance-window deleted", "running"]],
    undone: [["maintenance-window deleted", "maintenance-window deleted"]],
  },
];
