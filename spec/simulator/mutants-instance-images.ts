/** Guards of images that are made of instances, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import { type Plan, type PlannedCommand, setUpMs } from "./plan.ts";
import { instanceImageFaultsOf, instanceImagesOf } from "./plan-instance-images.ts";
import { Random } from "./random.ts";

/** Images are made of three guests all the time, beside what happens just then. */
function imaging(plan: Plan): Plan {
  const { parameters, seed } = plan;
  const random = new Random(seed).fork("images of a mutant");
  const first = [0, 1, 2].map((which): PlannedCommand => {
    return { atMs: setUpMs + 100 * which, client: 0, command: "create", target: which };
  });
  const span = { fromMs: setUpMs + 2_000, untilMs: 60_000 };
  const images = [0, 1, 2].flatMap((time) => instanceImagesOf(random.fork(`commands ${time}`), span));
  const faults = [0, 1].flatMap((time) => instanceImageFaultsOf(random.fork(`faults ${time}`), images, span));
  const roomy = { controllers: 2, hosts: 2, hostVcpus: 20, driverLatencyMs: 60, startMs: 50, clients: 1 };
  const alone = {
    ...{ sharedDisks: "unlocked" as const, sharedGib: 100, oneVersion: true, uploads: true as const },
    latencyMs: 5,
  };
  return {
    ...plan,
    parameters: { ...parameters, ...calm, ...roomy, ...alone },
    commands: [...first, ...images].sort((a, b) => a.atMs - b.atMs),
    ...{ faults: faults.sort((a, b) => a.atMs - b.atMs), faultyMs: span.untilMs },
  };
}

export const instanceImageMutants: readonly Mutant[] = [
  {
    name: "image-of-two-moments",
    promise: "V15",
    file: "actors/node/machine/disk-turns.ts",
    find: "copying?.abort.abort();\n    await copying?.ended;",
    replace: "",
    guard: "No guest starts while its disk is copied by a tool.",
    shape: imaging,
  },
  {
    name: "image-done-early",
    promise: "V15",
    file: "actors/control/catalog/copies/plan.ts",
    find: 'if (row.state === "active" || row.state === "deactivated") return { kind: "done" };',
    replace: 'if (row.state !== "queued" && row.state !== "saving") return { kind: "done" };',
    guard: "An image that is made of an instance is done when it is verified.",
    shape: imaging,
  },
  {
    name: "image-copy-kept",
    promise: "V15",
    file: "actors/node/host/copy-plan.ts",
    find: "nowMs - askedAtMs > hostLimits.copyForgottenMs ? [imageId] : [],",
    replace: "nowMs - askedAtMs < 0 ? [imageId] : [],",
    guard: "A host is rid of a copy that no controller asks for any more.",
    shape: imaging,
  },
  {
    name: "operation-ended-twice",
    promise: "I1",
    file: "db/memory/apply.ts",
    find: 'if (before !== undefined && before.state !== "running") return { kind: "conflict" };',
    replace: "",
    guard: "Whoever ends an operation first has ended it.",
    shape: imaging,
  },
];
