/** Guards of images of projects, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import { type Plan, type PlannedCommand, setUpMs } from "./plan.ts";
import { imagesOf } from "./plan-images.ts";
import { Random } from "./random.ts";

/**
 * Images of projects, shared, taken back and deactivated in the moment in which instances are made of them.
 */
function sharedImages(plan: Plan): Plan {
  const { parameters, faultyMs: untilMs, seed } = plan;
  const span = { fromMs: setUpMs, untilMs, clients: parameters.clients };
  const commands = imagesOf(new Random(seed).fork("images of a mutant"), span);
  const all = [...plan.commands, ...commands].sort((a, b) => a.atMs - b.atMs);
  return { ...plan, parameters: { ...parameters, oneVersion: true }, commands: all };
}

/** Hosts have room for fewer images than instances are made of. */
function pulledImages(plan: Plan): Plan {
  const shaped = sharedImages(plan);
  const parameters = { ...shaped.parameters, ...calm, hosts: 2, hostVcpus: 12, pulledImages: true as const };
  const created = Array.from({ length: 12 }, (_, target): PlannedCommand => {
    return { atMs: setUpMs + 2_000 + target * 700, client: 0, command: "imagedCreate", target };
  });
  const commands = [...shaped.commands, ...created].sort((a, b) => a.atMs - b.atMs);
  return { ...shaped, parameters, commands, faults: [] };
}

/** Hosts give each other what guests are made of, some of them other bytes. */
function lyingPeers(plan: Plan): Plan {
  const shaped = pulledImages(plan);
  return { ...shaped, parameters: { ...shaped.parameters, hosts: 4, lyingPeers: true } };
}

export const imageMutants: readonly Mutant[] = [
  {
    name: "image-unverified",
    promise: "V7",
    file: "nodes/drivers/images/whole.ts",
    find: 'if (part.digest() === image.sha256) return "whole";',
    replace: 'if (part.digest() !== "") return "whole";',
    guard: "What a host gets has the checksum of the image's row, whoever it came from.",
    shape: lyingPeers,
  },
  {
    name: "image-evicted-in-use",
    promise: "V10",
    file: "nodes/drivers/images/eviction.ts",
    find: "files.filter(({ sha256 }) => !inUse.has(sha256))",
    replace: "files",
    guard: "What a guest's files are based on is no candidate for an eviction.",
    shape: pulledImages,
  },
  {
    name: "image-use-unjudged",
    promise: "V12",
    file: "db/rules/image/memory.ts",
    find: 'if (!own && !isSharedWith(tables, asked, seenOf(image.visibility, "named"))) return refusal;',
    replace: "",
    guard: "Whether a project may use an image is judged in the commit: it may be taken back meanwhile.",
    shape: sharedImages,
  },
  {
    name: "image-state-unjudged",
    promise: "V12",
    file: "db/rules/image/memory.ts",
    find: 'if (its.state !== "active") return { ...refusal, because: "inactive" };',
    replace: "",
    guard: "Whether an image is active is judged in the commit: it may be deactivated meanwhile.",
    shape: sharedImages,
  },
  {
    name: "image-private-named",
    promise: "V12",
    file: "db/rows/visibility.ts",
    find: 'if (among === "named") return { own: true, open: named };',
    replace: 'if (among === "named") return { own: true, open: [...named, "private"] };',
    guard: "A private image is found by its owner alone.",
    shape: sharedImages,
  },
  {
    name: "image-offer-listed",
    promise: "V12",
    file: "db/rows/visibility.ts",
    find: "return { own: true, open: listed, said: members.listed };",
    replace: 'return { own: true, open: listed, said: [...members.listed, "pending"] };',
    guard: "A project lists what it accepted of what others share with it, and nothing else.",
    shape: sharedImages,
  },
  {
    name: "image-anybodys",
    promise: "V12",
    file: "actors/control/request/rows.ts",
    find: "if (project === undefined || project === context.project || context.project === adminProject) return found;",
    replace: "if (project !== context.id) return found;",
    guard: "Whoever sees an image of another project does not change it.",
    shape: sharedImages,
  },
];
