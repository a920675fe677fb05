/**
 * What a controller with a door for the bytes of images has for them: its desk, its answers to the other
 * controllers, and its clients of theirs. It decides nothing.
 */
import { ImageMaker, imageMakerDefinition } from "../../actors/control/catalog/copies/maker.ts";
import { UploadDesk } from "../../actors/control/catalog/uploads/desk.ts";
import type { ImageHolders } from "../../actors/control/catalog/uploads/handlers.ts";
import { type ImageHolder, ownHolder } from "../../actors/control/catalog/uploads/holders.ts";
import { uploadSweeperDefinition } from "../../actors/control/catalog/uploads/sweeper.ts";
import type { Commits } from "../../actors/control/request/commits.ts";
import type { ImageDoor } from "../../actors/ports/image-bytes.ts";
import type { ImageFiles } from "../../actors/ports/image-files.ts";
import type { Store } from "../../actors/ports/store.ts";
import { type Meter, nullMeter } from "../../actors/runtime/meter.ts";
import { meterCalls } from "../../actors/runtime/metered.ts";
import { imageHolderService } from "../../protocol/image-bytes.ts";
import { imageHolderBinding } from "../../protocol/wire/binding.ts";
import { createClient } from "../../protocol/wire/client.ts";
import { createServer, implement } from "../../protocol/wire/server.ts";
import type { Bus, Clock, Ids, Log } from "../../protocol/wire/transport.ts";
import type { HostAgents } from "./host-agents.ts";

export interface ImagePorts {
  readonly cell: string;
  readonly store: Store;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly imageFiles: ImageFiles;
  readonly imageDoor?: ImageDoor;
  readonly meter?: Meter | undefined;
}

/** Undefined: the controller has no door. */
export function imagesOf(ports: ImagePorts, commit: Commits["commit"], hostAgent: HostAgents) {
  const { store, bus, clock, ids, log, cell, imageDoor: door, imageFiles: files } = ports;
  if (door === undefined) return undefined;
  const { meter = nullMeter } = ports;
  const desk = new UploadDesk({ store, commit, clock, door, files, log });
  const own = ownHolder({ desk, door }, clock);
  const clients = new Map<string, ImageHolder>();
  const other = (server: string): ImageHolder => {
    const binding = imageHolderBinding(cell, server);
    const client = clients.get(server) ?? createClient(imageHolderService, { bus, clock, ids, binding });
    clients.set(server, client);
    return client;
  };
  const holders: ImageHolders = { server: door.server, own, other };
  const maker = new ImageMaker({ store, commit, clock, door, desk, hostAgent, log });
  const server = createServer({
    ...{ bus, clock, ids, log },
    binding: imageHolderBinding(cell, door.server),
    services: [implement(imageHolderService, own)],
    discoverable: false,
    ...(meter.on ? { meter: meterCalls(meter, "images") } : {}),
  });
  meter.look("novact_calls_under_way", () => [[{ door: "images" }, server.inWork]]);
  return {
    ...{ holders, desk, maker: imageMakerDefinition(maker) },
    sweeper: uploadSweeperDefinition({ store, commit, clock, desk, holders }),
    stop: async (): Promise<void> => {
      await server.drain();
      await desk.stop();
    },
  };
}
