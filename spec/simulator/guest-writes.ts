/** What the guests of a simulated cluster write at one moment, to their disks and to their volumes. */
import type { DiskWritten } from "../../actors/promises/facts.ts";
import type { VolumeWritten } from "../../actors/promises/volume-access.ts";
import type { HostMachine } from "./host-machine.ts";

interface Place {
  readonly machine: Pick<HostMachine, "name" | "world" | "roots">;
}

export function* writesOf(hosts: readonly Place[], atMs: number): Generator<DiskWritten | VolumeWritten> {
  for (const { machine } of hosts)
    for (const { instanceId, pid } of machine.world.list()) {
      if (!machine.world.canWrite(instanceId)) continue;
      const about = { atMs, hostId: machine.name, instanceId, pid };
      const count = machine.roots.write(instanceId);
      yield { kind: "diskWritten", ...about, ...(count === undefined ? {} : { count }) };
      for (const write of machine.world.writeVolumes(instanceId))
        yield { kind: "volumeWritten", ...about, ...write };
    }
}
