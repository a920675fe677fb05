/** Guards of drains and of the actors of hosts, and how each is switched off (mutants.ts). */
import { drained, type Mutant } from "./mutants-plans.ts";

export const drainMutants: readonly Mutant[] = [
  {
    name: "drain-forgotten",
    promise: "I6",
    file: "actors/control/host/command.ts",
    find: 'const drain = enabled ? underWay(loaded, "drain") : undefined;',
    replace: 'const drain = enabled && !enabled ? underWay(loaded, "drain") : undefined;',
    guard: "Whoever enables a host ends its drain, in the same commit.",
    shape: drained,
  },
  {
    name: "waker-asleep",
    promise: "I6",
    file: "actors/control/host/waker.ts",
    find: "for (const id of ids) wake(id);",
    replace: "void wake;",
    guard: "A drain goes on, whoever began it and whatever became of them.",
    shape: drained,
  },
  {
    name: "host-version-unread",
    promise: "I1",
    file: "db/rules/host/memory.ts",
    find: 'if (host?.version !== version) return { kind: "conflict" };',
    replace: 'if (host === undefined) return { kind: "conflict" };',
    guard: "Of two commits of one host at one version the second is refused.",
    size: { controllers: 3 },
    shape: drained,
  },
];
