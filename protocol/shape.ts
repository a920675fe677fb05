/**
 * The shape of a machine: what its guest sees of the hardware beside its size. An instance has the shape
 * that the host of its first boot gave it, and keeps it for ever (decision 0052). Schemas, and the choice
 * for a new guest; the words are the hypervisor's own, and nothing here may know any of them.
 */
import { type Static, Type } from "@sinclair/typebox";
import { fieldLimits } from "./limits/fields.ts";
import { hostWords } from "./offered.ts";
import { answer } from "./wire/schema.ts";

const ShapeWord = Type.String({ pattern: "^[\\x21-\\x7e]{1,64}$" });
const ShapeVersion = Type.Integer({ minimum: 1, maximum: fieldLimits.shapeVersionMax });

export const MachineShape = answer({
  /** Which devices there are, and where each of them is. A guest without a shape has those of before. */
  version: ShapeVersion,
  /** In its full, versioned name: never an alias, which a newer hypervisor takes for another one. */
  machineType: ShapeWord,
  cpuModel: ShapeWord,
});
export type MachineShape = Static<typeof MachineShape>;

/** The shapes that a host's guests can have. */
export const OfferedShapes = answer({
  /** In rising order; a new guest gets the last one. */
  versions: Type.Array(ShapeVersion, { minItems: 1, maxItems: fieldLimits.hostShapeVersionsMax }),
  /** What a new guest gets whose image asks for no other. */
  machineType: ShapeWord,
  cpuModel: ShapeWord,
  /** What machine types an image may name that are no full names. */
  aliases: Type.Array(answer({ alias: ShapeWord, machineType: ShapeWord }), {
    maxItems: fieldLimits.hostMachineTypesMax,
  }),
  machineTypes: hostWords(fieldLimits.hostMachineTypesMax),
  cpuModels: hostWords(fieldLimits.hostCpuModelsMax),
});
export type OfferedShapes = Static<typeof OfferedShapes>;

/**
 * The shape of a guest whose first boot is on a host. `wanted`: the machine type that its image asks for.
 * Null: the host offers no shapes.
 */
export function firstShape(offered: OfferedShapes | undefined, wanted?: string): MachineShape | null {
  const version = offered?.versions.at(-1);
  if (offered === undefined || version === undefined) return null;
  const full = offered.aliases.find(({ alias }) => alias === wanted)?.machineType ?? wanted;
  return { version, machineType: full ?? offered.machineType, cpuModel: offered.cpuModel };
}

export const isSameShape = (one: MachineShape | null, other: MachineShape | null): boolean =>
  one?.version === other?.version &&
  one?.machineType === other?.machineType &&
  one?.cpuModel === other?.cpuModel;

/** The part of a shape that a host does not offer; undefined: the host offers all parts. */
export function lackingOf(shape: MachineShape, offered: OfferedShapes | undefined): Lack | undefined {
  if (offered === undefined || !offered.versions.includes(shape.version)) return "version";
  if (!offered.machineTypes.includes(shape.machineType)) return "machineType";
  return offered.cpuModels.includes(shape.cpuModel) ? undefined : "cpuModel";
}
export type Lack = keyof MachineShape;
