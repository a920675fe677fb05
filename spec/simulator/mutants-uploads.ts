/** Guards of the bytes of images, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import { type Plan, type PlannedFault, setUpMs } from "./plan.ts";
import { uploadFaultsOf, uploadsOf } from "./plan-uploads.ts";
import { Random } from "./random.ts";

/** Few computers, on which nothing else happens. */
const size = { controllers: 2, hosts: 1, instances: 4, seconds: 40 } as const;

/** Images are sent, broken off, resumed and fetched all the time. */
export function uploading(plan: Plan): Plan {
  const random = new Random(plan.seed).fork("uploads of a mutant");
  const span = { fromMs: setUpMs, untilMs: plan.faultyMs };
  const parameters = { ...plan.parameters, oneVersion: true, uploads: true, pulledImages: true } as const;
  const commands = [0, 1].flatMap((time) =>
    uploadsOf(random.fork(`commands ${time}`), { ...span, clients: parameters.clients }),
  );
  const faults = uploadFaultsOf(random.fork("faults"), span);
  return { ...plan, parameters, commands: inOrder(commands), faults: inOrder(faults) };
}

const inOrder = <T extends { readonly atMs: number }>(list: readonly T[]): readonly T[] =>
  list.toSorted((a, b) => a.atMs - b.atMs);

/** The same on a network without faults; controllers die often, and are soon there again. */
function dying(plan: Plan): Plan {
  const shaped = uploading(plan);
  const faults = Array.from({ length: Math.floor((plan.faultyMs - setUpMs) / 1_500) }, (_, target) => {
    return { atMs: setUpMs + 1_500 * target, fault: "killController", target, forMs: 300 } as const;
  }) satisfies readonly PlannedFault[];
  return { ...shaped, parameters: { ...shaped.parameters, ...calm }, faults };
}

export const uploadMutants: readonly Mutant[] = [
  {
    name: "upload-unverified",
    promise: "V7",
    file: "nodes/drivers/images/uploads/digests.ts",
    find: "if (named === undefined || named.toLowerCase() === found[algorithm]) continue;",
    replace: "if (named !== algorithm) continue;",
    guard: "What was sent is kept only when it has the checksum that was named.",
    ...{ size, shape: uploading },
  },
  {
    name: "upload-interrupted-unseen",
    promise: "V7",
    file: "actors/control/catalog/uploads/settle.ts",
    find: 'return status.sealed === null ? "interrupted" : "activate";',
    replace: 'return status.sealed === null ? "nothing" : "activate";',
    guard: "What a controller was verifying when it died is queued again.",
    ...{ size, shape: dying },
  },
  {
    name: "upload-refused-forgotten",
    promise: "V7",
    file: "actors/control/catalog/uploads/desk.ts",
    find: '.info({ imageId, reason, message, detail }, "what was sent of an image was refused");',
    replace:
      '.info({ imageId, reason, message, detail }, ""); await this.#options.door.uploads.discard(imageId);',
    guard: "What was refused stays for whoever goes on with it.",
    ...{ size, shape: uploading },
  },
  {
    name: "upload-lost-unseen",
    promise: "V7",
    file: "actors/control/catalog/uploads/settle.ts",
    find: 'return status === null ? "forget" : "nothing";',
    replace: 'return status === null ? "nothing" : "nothing";',
    guard: "An image whose bytes are gone says so, and waits for new ones.",
    ...{ size, shape: losing },
  },
  {
    name: "upload-left-over",
    promise: "V7",
    file: "actors/control/catalog/uploads/settle.ts",
    find: 'const unwanted = status === null ? "nothing" : "discard";',
    replace: 'const unwanted = status === null ? "nothing" : "nothing";',
    guard: "What was sent for an image that is gone, or active, is removed.",
    ...{ size, shape: uploading },
  },
];

/** Controllers lose what was sent. */
function losing(plan: Plan): Plan {
  const shaped = uploading(plan);
  const lost = [0.3, 0.5, 0.7, 0.9].flatMap((share) =>
    Array.from({ length: plan.parameters.controllers }, (_, target): PlannedFault => {
      const atMs = Math.round(setUpMs + share * (plan.faultyMs - setUpMs));
      return { atMs, fault: "partsLost", target, forMs: 0 };
    }),
  );
  const faults = inOrder([...shaped.faults, ...lost]);
  return { ...shaped, parameters: { ...shaped.parameters, ...calm }, faults };
}
