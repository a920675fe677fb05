/** What is asked in a plan of instances that have volumes from their beginning. Pure. */
import type { CommandKind } from "./plan.ts";
import { type BootCommand, bootCommands } from "./plan-boot-volumes.ts";
import { meantBy } from "./plan-volumes.ts";

/** What the client has, as client-volumes.ts knows it. */
interface Things {
  readonly volumes: readonly string[];
  readonly booted: readonly string[];
  /** By volume: the instance that has it. */
  readonly givenTo: ReadonlyMap<string, string>;
}

/** As client-surroundings.ts has it. */
interface Call {
  readonly method: string;
  readonly id: string | undefined;
  readonly request: Readonly<Record<string, unknown>>;
}

export const isOfBoots = (command: CommandKind): command is BootCommand =>
  bootCommands.some((one) => one === command);

const nothing: Call = { method: "", id: undefined, request: {} };
const among = <T>(list: readonly T[], at: number): T | undefined => list[at % Math.max(1, list.length)];

export function bootCall(command: BootCommand, target: number, things: Things): Call {
  const { volume, instance, how } = meantBy(target);
  if (command === "bootCreate") return createCall(how, among(things.volumes, volume));
  const id = among(things.booted.slice(-2), instance);
  switch (command) {
    case "bootDelete":
      return { method: "instance.delete", id, request: {} };
    case "bootStop":
      return { method: "instance.stop", id, request: { mode: "hard" } };
    case "bootStart":
      return { method: "instance.start", id, request: {} };
    case "bootDetach": {
      const its = [...things.givenTo].flatMap(([volumeId, of]) => (of === id ? [volumeId] : []));
      const one = among(its, how);
      if (one === undefined) return nothing;
      const force = how % 4 === 3 ? { force: true } : {};
      return { method: "instance.volumeDetach", id, request: { volume: one, ...force } };
    }
  }
}

function createCall(how: number, volume: string | undefined): Call {
  const volumes = volumesOf(how % kinds, volume);
  if (volumes === undefined) return nothing;
  const many = how >= kinds && how % 4 === 0 ? { count: 2 } : {};
  const about = { name: `boot-${how}`, flavor: "tiny", image: "tiny" };
  return { method: "instance.create", id: "", request: { ...about, volumes, ...many } };
}

const kinds = 6;
const root = { sizeGib: 1, bootIndex: 0 };

/** Undefined: the client has no volume to take. */
function volumesOf(kind: number, volume: string | undefined): readonly object[] | undefined {
  if (kind === 0) return [root];
  if (kind === 1)
    return [
      { ...root, image: "tiny" },
      { sizeGib: 2, deleteOnTermination: true },
    ];
  if (kind === 2) return [{ sizeGib: 1 }, { ...root, deleteOnTermination: true }];
  if (volume === undefined) return undefined;
  if (kind === 3) return [{ volume, bootIndex: 0 }];
  if (kind === 4) return [{ volume }, { sizeGib: 1, deleteOnTermination: true }];
  return [{ volume, bootIndex: 0, deleteOnTermination: true }];
}
