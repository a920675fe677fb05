/** Guards of volumes that instances have from their beginning, and how each is switched off. */
import { calm, type Mutant } from "./mutants-plans.ts";
import { type Plan, setUpMs } from "./plan.ts";
import { bootsOf } from "./plan-boot-volumes.ts";
import { Random } from "./random.ts";

/** Instances with volumes from their beginning are made and deleted all the time; nothing else happens. */
function booting(plan: Plan): Plan {
  const { parameters, seed } = plan;
  const random = new Random(seed).fork("boots of a mutant");
  const untilMs = 40_000;
  const commands = [0, 1, 2].flatMap((time) =>
    bootsOf(random.fork(`commands ${time}`), { fromMs: setUpMs, untilMs }),
  );
  const roomy = { controllers: 2, hosts: 2, hostVcpus: 20, driverLatencyMs: 5, startMs: 50 };
  const alone = {
    sharedDisks: "unlocked" as const,
    sharedGib: 100,
    oneVersion: true,
    volumes: true as const,
  };
  return {
    ...plan,
    parameters: { ...parameters, ...calm, ...roomy, ...alone },
    commands: commands.sort((a, b) => a.atMs - b.atMs),
    ...{ faults: [], faultyMs: untilMs },
  };
}

export const bootVolumeMutants: readonly Mutant[] = [
  {
    name: "root-volume-detached",
    promise: "V14",
    file: "actors/control/instance/revolume.ts",
    find: "if (!isRoot(its)) return undefined;",
    replace: "if (its !== undefined) return undefined;",
    guard: "Nobody takes the root disk from an instance that is there.",
    shape: booting,
  },
  {
    name: "volume-stays-anyway",
    promise: "V14",
    file: "actors/control/instance/volumes.ts",
    find: 'desired === "deleted" && volume.deleteOnTermination && !isLeavingVolume(volume);',
    replace: 'desired === "deleted" && volume.deleteOnTermination && isLeavingVolume(volume);',
    guard: "A volume that is to go with its instance does.",
    shape: booting,
  },
  {
    name: "volume-asked-to-go",
    promise: "V14",
    file: "actors/control/instances/asked-volumes.ts",
    find: "const about = { deleteOnTermination, ",
    replace: "const about = { deleteOnTermination: false, ",
    guard: "Whoever asks for a volume says whether it goes with the instance.",
    shape: booting,
  },
];
