/** What each fault of a plan does to the cluster, and what ends it. */

import type { Fact } from "../../actors/promises/facts.ts";
import { killFakeGuard, openFakeGuard } from "../../nodes/drivers/fake/guard.ts";
import { ejectFrom, fillDisk } from "../../nodes/drivers/fake/guest-volumes.ts";
import type { Clients } from "../../nodes/sdk/clients.ts";
import type { Cluster } from "./cluster.ts";
import { flood } from "./flood.ts";
import { type Kernel, nobody } from "./kernel.ts";
import { lie } from "./lies.ts";
import type { PlannedFault } from "./plan.ts";
import { allHosts, controllerLoops, controllerMessages, hostMessages } from "./plan-disturbances.ts";
import { floodKinds, lieKinds } from "./plan-hostile.ts";

/** Until a guard that died is there again. */
const guardRestartMs = 500;

export interface FaultWorld {
  readonly kernel: Kernel;
  readonly cluster: Cluster;
  readonly admin: Clients;
  /** Takes what the judge is told of faults. */
  readonly tell: (fact: Fact) => void;
}

export function applyFault(planned: PlannedFault, world: FaultWorld): void {
  const { kernel } = world;
  kernel.trace.note(
    kernel.nowMs,
    "world",
    `fault ${planned.fault} ${planned.target} for ${planned.forMs} ms`,
  );
  const undo = begin(planned, world);
  if (undo !== undefined) kernel.after(nobody, planned.forMs, "", undo);
}

/** Begins the fault; returns the function that ends it. */
function begin(planned: PlannedFault, world: FaultWorld): (() => void) | undefined {
  switch (planned.fault) {
    case "killController":
    case "pauseController":
      return onController(planned, world);
    case "killAgent":
    case "pauseAgent":
    case "powerLoss":
    case "agentStops":
    case "diskFull":
    case "hostDisabled":
    case "hostDrained":
    case "hostFenced":
    case "guardDies":
    case "hostAway":
    case "hostRemoved":
    case "storageHangs":
      return onHost(planned, world);
    case "isolate":
    case "cut":
    case "busDown":
    case "streamWiped":
    case "storeDown":
    case "storeFull":
    case "sharedFull":
    case "disksLow":
    case "clockJump":
      return onNetwork(planned, world);
    case "guestDies":
    case "guestShutsDown":
    case "guestPanics":
    case "guestPauses":
    case "guestClings":
    case "guestFills":
    case "guestEjects":
      return onGuest(planned, world);
    case "actorCrash":
    case "mailboxesFull":
    case "loopBreaks":
    case "loopHangs":
      return onActors(planned, world);
    case "imageStoreFull":
    case "partsLost":
      return onImageStores(planned, world);
    case "storeStalls":
    case "answersLate":
      return onWriters(planned, world);
    case "flood":
      return flooded(planned, world);
    case "hostLies":
      return lied(planned, world);
  }
}

/** Ends by itself. Plans break nothing else at the time of a flood. */
function flooded({ target, forMs, other = 0, what }: PlannedFault, world: FaultWorld): undefined {
  const kind = floodKinds.find((one) => one === what) ?? "mixed";
  flood(world, { alone: true, forMs, messages: other, projects: target + 1, what: kind });
  return undefined;
}

/** Ends by itself. Lies of a named kind come in plans that break nothing else at their time. */
function lied({ target, forMs, other = 0, what }: PlannedFault, world: FaultWorld): undefined {
  const kind = [...lieKinds, "mixed" as const].find((one) => one === what);
  const index = target % world.cluster.hosts.length;
  lie(world, {
    ...{ index, forMs, observations: other, alone: kind !== undefined },
    what: kind ?? "impossible",
  });
  return undefined;
}

/** A message that only controllers receive names a controller by `target`, a message of hosts a host. */
function onActors(planned: PlannedFault, { cluster, kernel, tell }: FaultWorld): (() => void) | undefined {
  const { fault, target, message, times = 1 } = planned;
  if (fault === "loopBreaks" || fault === "loopHangs") return onLoops(planned, cluster);
  const agents = cluster.hosts.map(({ agent }) => agent);
  const controllers = cluster.controllers.map(({ process }) => process);
  const hearing = isOf(controllerMessages, message)
    ? controllers
    : isOf(hostMessages, message)
      ? agents
      : [...agents, ...controllers];
  const process = hearing[target % hearing.length];
  if (process === undefined) return undefined;
  if (fault !== "mailboxesFull") return cluster.actors.crash(process, { message, times });
  const forgotten = () => tell({ kind: "roomForgotten", atMs: kernel.nowMs, by: process.name });
  const empty = cluster.actors.fill(process);
  forgotten();
  return () => {
    empty();
    // Words of hosts that came meanwhile did not reach the controller's scheduler.
    forgotten();
  };
}

/** A loop that only agents have names a host by `target`, any other a controller. */
function onLoops({ fault, target, message: loop = "", times = 1 }: PlannedFault, cluster: Cluster) {
  const processes = isOf(controllerLoops, loop)
    ? cluster.controllers.map(({ process }) => process)
    : cluster.hosts.map(({ agent }) => agent);
  const process = processes[target % processes.length];
  if (process === undefined) return undefined;
  return cluster.actors.strike(process, { loop, hangs: fault === "loopHangs", times });
}

const isOf = (messages: readonly string[], message: string | undefined): boolean =>
  message !== undefined && messages.includes(message);

function onWriters({ fault, target, forMs, other = 0 }: PlannedFault, world: FaultWorld): () => void {
  const { kernel, cluster } = world;
  const { store, controllers } = cluster;
  if (fault === "storeStalls") {
    store.line.heldUntilMs = Math.max(store.line.heldUntilMs, kernel.nowMs + forMs);
    return () => undefined;
  }
  const name = controllers[target % controllers.length]?.process.name ?? "";
  store.lateMs.set(name, other);
  return () => store.lateMs.delete(name);
}

function onController({ fault, target }: PlannedFault, { cluster }: FaultWorld): (() => void) | undefined {
  const index = target % cluster.controllers.length;
  const process = cluster.controllers[index]?.process;
  if (process === undefined) return undefined;
  if (fault === "pauseController") {
    process.pause();
    return () => process.resume();
  }
  process.kill();
  return () => {
    if (cluster.controllers[index]?.process.alive === false) cluster.startController(index);
  };
}

function onHost({ fault, target }: PlannedFault, world: FaultWorld): (() => void) | undefined {
  const { cluster, kernel } = world;
  const index = target % cluster.hosts.length;
  const place = cluster.hosts[index];
  if (place === undefined) return undefined;
  const { machine, agent } = place;
  const startAgain = () => {
    if (cluster.hosts[index]?.agent.alive === false) cluster.startAgent(index);
  };
  switch (fault) {
    case "pauseAgent":
      agent.pause();
      return () => agent.resume();
    case "guardDies":
      killFakeGuard(machine.world);
      // Its own parent starts it again, whatever has become of the agent.
      kernel.after(nobody, guardRestartMs, "", () => void openFakeGuard(machine.world));
      return undefined;
    case "powerLoss":
    case "hostAway":
      agent.kill();
      machine.losePower();
      return startAgain;
    case "agentStops":
      cluster.stopAgent(index);
      return () => {
        agent.kill();
        startAgain();
      };
    case "diskFull":
      machine.diskFull = true;
      return () => {
        machine.diskFull = false;
      };
    case "storageHangs":
      machine.world.hangStorage();
      return () => machine.world.unhangStorage();
    case "hostDisabled":
      return disable(machine.name, world);
    case "hostDrained":
      return drain(machine.name, world);
    case "hostFenced":
      return fence(machine.name, world);
    case "hostRemoved":
      return remove(machine.name, world);
    default:
      kernel.trace.note(kernel.nowMs, agent.name, "is killed");
      agent.kill();
      return startAgain;
  }
}

function drain(hostId: string, { admin, kernel }: FaultWorld): () => void {
  const forgive = () => undefined;
  kernel.soon(nobody, "", () => void admin.host.drain(hostId, { reason: "simulated" }).catch(forgive));
  return () => void admin.host.enable(hostId, {}, { timeoutMs: 600_000 }).catch(forgive);
}

/** By its power, by an operator who does not wait for the end. */
function fence(hostId: string, { admin, kernel }: FaultWorld): undefined {
  const forgive = () => undefined;
  const confirm = hostId.replace("h", "node-");
  kernel.soon(nobody, "", () => {
    void admin.host.fence(hostId, { confirm, power: true, wait: false }).catch(forgive);
  });
  return undefined;
}

/** By an operator who takes it for lost; refused while it is not, or has something. */
function remove(hostId: string, { admin, kernel }: FaultWorld): undefined {
  const forgive = () => undefined;
  kernel.soon(nobody, "", () => void admin.host.remove(hostId, {}, { timeoutMs: 20_000 }).catch(forgive));
  return undefined;
}

function disable(hostId: string, { admin, kernel }: FaultWorld): () => void {
  const forgive = () => undefined;
  kernel.soon(nobody, "", () => void admin.host.disable(hostId, { reason: "simulated" }).catch(forgive));
  return () => void admin.host.enable(hostId, {}, { timeoutMs: 600_000 }).catch(forgive);
}

function onNetwork(
  { fault, target, other = 0 }: PlannedFault,
  { cluster }: FaultWorld,
): (() => void) | undefined {
  const { network, store } = cluster;
  const machines = [
    ...cluster.hosts.map(({ machine }) => machine),
    ...cluster.controllers.map(({ machine }) => machine),
  ];
  const names = [
    ...cluster.hosts.map(({ machine }) => machine.name),
    ...cluster.controllers.map(({ process }) => process.name),
  ];
  const name = (index: number) => names[index % names.length] ?? "";
  switch (fault) {
    case "isolate":
      network.isolate(name(target));
      return () => network.rejoin(name(target));
    case "cut":
      network.cut(name(target), name(other));
      return () => network.healLink(name(target), name(other));
    case "busDown":
      cluster.busDown();
      if (target % 2 === 0) cluster.stream.wipe();
      return () => cluster.busUp();
    case "streamWiped":
      cluster.stream.wipe();
      return undefined;
    case "storeFull":
      store.full = true;
      return () => {
        store.full = false;
      };
    case "sharedFull":
      for (const { machine } of cluster.hosts) machine.sharedFull = true;
      return () => {
        for (const { machine } of cluster.hosts) machine.sharedFull = false;
      };
    case "disksLow": {
      const all = cluster.hosts.map(({ machine }) => machine);
      const struck = target === allHosts ? all : [all[target % all.length]].flatMap((one) => one ?? []);
      for (const machine of struck) machine.disksLow = true;
      return () => {
        for (const machine of struck) machine.disksLow = false;
      };
    }
    case "storeDown":
      store.up = false;
      return () => {
        store.up = true;
      };
    default: {
      const machine = machines[target % machines.length];
      if (machine === undefined) return undefined;
      machine.wallShiftMs += other;
      return () => {
        machine.wallShiftMs -= other;
      };
    }
  }
}

function onImageStores({ fault, target }: PlannedFault, { cluster }: FaultWorld): (() => void) | undefined {
  const { all } = cluster.imageStores;
  const store = all[target % Math.max(1, all.length)];
  if (store === undefined) return undefined;
  if (fault === "partsLost") {
    store.lose();
    return undefined;
  }
  store.full = true;
  return () => {
    store.full = false;
  };
}

const guestVerbs = { guestShutsDown: "shutdown", guestPanics: "panicked", guestPauses: "paused" } as const;

function onGuest({ fault, target }: PlannedFault, { cluster }: FaultWorld): (() => void) | undefined {
  const guests = cluster.hosts.flatMap(({ machine }) =>
    machine.world.list().map(({ instanceId }) => ({ world: machine.world, instanceId })),
  );
  const guest = guests[target % Math.max(1, guests.length)];
  if (guest === undefined) return undefined;
  const process = guest.world.processOf(guest.instanceId);
  if (fault === "guestClings" && process !== undefined) {
    process.clings = true;
    return () => {
      process.clings = false;
    };
  }
  if (fault === "guestFills") fillDisk(guest.world, guest.instanceId);
  if (fault === "guestEjects") ejectFrom(guest.world, guest.instanceId, target);
  // Of some their hosts can tell why.
  if (fault === "guestDies" && target % 2 === 1) guest.world.exceedMemory(guest.instanceId);
  else if (fault === "guestDies") guest.world.kill(guest.instanceId);
  else if (fault in guestVerbs)
    guest.world.guestDoes(guest.instanceId, guestVerbs[fault as keyof typeof guestVerbs]);
  return undefined;
}
