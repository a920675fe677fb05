/**
 * The computer of a simulated host, as the fake of a plug-in's hypervisor driver sees it: processes of
 * guests, which outlive the agent, and a clock. The simulator does to the computer what it does to every
 * other, and tells the judge of each process. The fake is the driver's own logic on these in place of real
 * processes.
 */
import type { Guest, GuestEvent, Hypervisor } from "../../actors/ports/hypervisor.ts";
import type { FakeWorld } from "../../nodes/drivers/fake/world.ts";
import type { MachineSpec } from "../../protocol/machine.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import type { Clock, Log } from "../../protocol/wire/transport.ts";
import type { SimulatedProcess } from "./process.ts";

export interface SimulatedComputer {
  readonly hostId: string;
  /** The only clock there is: whoever waits for anything else stands still. */
  readonly clock: Clock;
  readonly log: Log;
  /** Every living process of a guest, also of those that an earlier life of the agent has begun. */
  guests(): readonly Guest[];
  /**
   * Begins a process of this guest, beside any that it has: two at once are what no driver may let happen.
   * Resolves when its CPUs run, which takes a while; the process is there from the beginning.
   * @throws StatusError hypervisorRefused while the disk is in use; AbortError, and no process is left
   */
  begin(spec: MachineSpec, signal: AbortSignal): Promise<Guest>;
  /** Of the guest's process. @throws StatusError hypervisorRefused where its hypervisor does not answer */
  pause(instanceId: string): void;
  resume(instanceId: string): void;
  /** The guest obeys some time later, by an event, or never. */
  pressPowerButton(instanceId: string): void;
  reset(instanceId: string): void;
  /** Kills the process; it is gone when `guests` has it no more, which may take a while. Idempotent. */
  kill(instanceId: string): void;
  /** What guests do unasked, until the agent ends: its next life listens anew. */
  onEvent(listener: (event: GuestEvent) => void): void;
}

/**
 * Opens a hypervisor on a simulated computer, for one life of its agent; it starts nothing, and remembers
 * nothing of the life before.
 */
export type SimulatedHypervisor = (computer: SimulatedComputer) => Hypervisor;

interface Around {
  readonly hostId: string;
  readonly world: FakeWorld;
  readonly agent: SimulatedProcess;
  readonly begin: SimulatedComputer["begin"];
}

export function computerOf({ hostId, world, agent, begin }: Around): SimulatedComputer {
  const answering = (instanceId: string): void => {
    if (world.answers(instanceId)) return;
    throw new StatusError("hypervisorRefused", `The hypervisor of instance ${instanceId} does not answer.`);
  };
  return {
    ...{ hostId, clock: agent.clock, log: agent.log },
    guests: () => world.list(),
    begin,
    pause: (instanceId) => {
      answering(instanceId);
      world.setStatus(instanceId, "paused");
    },
    resume: (instanceId) => {
      answering(instanceId);
      world.setStatus(instanceId, "running");
    },
    pressPowerButton: (instanceId) => {
      answering(instanceId);
      world.pressButton(instanceId);
    },
    reset: (instanceId) => {
      answering(instanceId);
      world.reboot(instanceId);
    },
    kill: (instanceId) => world.end(instanceId),
    onEvent: (listener) => {
      world.listen(listener);
      agent.onDeath(() => world.unlisten(listener));
    },
  };
}
