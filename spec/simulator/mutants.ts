/**
 * Guards of the code, each with the text that switches it off. The simulator must notice when one is gone
 * (mutants-run.ts); whoever changes such a line finds the spec red and changes the row with it.
 */
import { actorMutants } from "./mutants-actors.ts";
import { bootVolumeMutants } from "./mutants-boot-volumes.ts";
import { drainMutants } from "./mutants-drains.ts";
import { extensionMutants } from "./mutants-extensions.ts";
import { guardMutants } from "./mutants-guards.ts";
import { hostMutants } from "./mutants-hosts.ts";
import { imageMutants } from "./mutants-images.ts";
import { instanceImageMutants } from "./mutants-instance-images.ts";
import { leaseMutants } from "./mutants-leases.ts";
import { meterMutants } from "./mutants-meter.ts";
import { neighbourMutants } from "./mutants-neighbours.ts";
import { networkLifeMutants } from "./mutants-network-life.ts";
import { networkMutants } from "./mutants-networks.ts";
import { placementMutants } from "./mutants-placement.ts";
import type { Mutant } from "./mutants-plans.ts";
import { reachedMutants } from "./mutants-reached.ts";
import { readerMutants } from "./mutants-readers.ts";
import { recordMutants } from "./mutants-records.ts";
import { routedPacketMutants } from "./mutants-routed-packets.ts";
import { routerMutants } from "./mutants-routers.ts";
import { storageMutants } from "./mutants-storages.ts";
import { uploadMutants } from "./mutants-uploads.ts";
import { volumeCopyMutants } from "./mutants-volume-copies.ts";
import { volumeMutants } from "./mutants-volumes.ts";

export const mutants: readonly Mutant[] = [
  ...extensionMutants,
  ...recordMutants,
  ...hostMutants,
  ...leaseMutants,
  ...readerMutants,
  ...placementMutants,
  ...storageMutants,
  ...actorMutants,
  ...neighbourMutants,
  ...drainMutants,
  ...guardMutants,
  ...meterMutants,
  ...networkMutants,
  ...routerMutants,
  ...routedPacketMutants,
  ...reachedMutants,
  ...networkLifeMutants,
  ...imageMutants,
  ...uploadMutants,
  ...volumeMutants,
  ...volumeCopyMutants,
  ...instanceImageMutants,
  ...bootVolumeMutants,
];
