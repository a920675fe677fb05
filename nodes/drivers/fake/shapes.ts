/**
 * The shapes of fake guests, which have no hardware: words that are kept, and refused where they are not
 * known.
 */
import { lackingOf, type MachineShape, type OfferedShapes } from "../../../protocol/shape.ts";
import { StatusError } from "../../../protocol/wire/status.ts";

/** One computer's fake hypervisor: what it can pretend to be, and what each of its guests last was. */
export class FakeShapes {
  offered: OfferedShapes = {
    ...{ versions: [1], machineType: "fake-1.0", cpuModel: "fake-v1", aliases: [] },
    ...{ machineTypes: ["fake-1.0"], cpuModels: ["fake-v1"] },
  };
  readonly #given = new Map<string, MachineShape>();

  /** @throws hypervisorRefused when it cannot give the guest this shape */
  give(instanceId: string, shape: MachineShape | undefined): void {
    const lack = shape && lackingOf(shape, this.offered);
    if (lack !== undefined)
      throw new StatusError("hypervisorRefused", `The fake hypervisor has not the guest's ${lack}.`);
    if (shape === undefined) this.#given.delete(instanceId);
    else this.#given.set(instanceId, shape);
  }

  /** The shape that the guest was last started with; undefined: none. */
  of(instanceId: string): MachineShape | undefined {
    return this.#given.get(instanceId);
  }
}
