/**
 * What a controller sends when several hosts need one image at the same moment: each takes it from the
 * controller, or hosts give it to each other as well. All of them in this process, with the real servers,
 * caches and choice of peers.
 */
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { originsFor } from "../../actors/control/catalog/image-offers.ts";
import { ImagePeers } from "../../actors/control/catalog/image-peers.ts";
import { leaseLimits } from "../../protocol/limits/lease.ts";
import { StatusError } from "../../protocol/wire/status.ts";
import { type OpenImageGiving, openImageGiving } from "../compute/image-giving.ts";
import { filesDisks } from "../drivers/files/index.ts";
import { createImageBytes } from "../drivers/images/bytes.ts";
import { openImageServer } from "../image-server/server.ts";
import { createTickets, serverKey } from "../image-server/ticket.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { round } from "./figures.ts";
import { type MadeFile, specOf } from "./image-creates.ts";

const silent = () => undefined;
const log = { debug: silent, info: silent, warn: silent, error: silent };
const hosts = 4;

interface Where {
  readonly directory: string;
  /** In `store` below it. */
  readonly file: MadeFile;
}

/** MiB that the controller has sent, and seconds until the last host had the image. */
export async function imagesTogether(where: Where) {
  return { hosts, withoutPeers: await together(where, false), withPeers: await together(where, true) };
}

async function together({ directory, file }: Where, imagePeers: boolean) {
  const [key, server] = [randomBytes(32), "bench"];
  const nowMs = () => systemClock.nowMs();
  const controller = await openImageServer({
    ...{ server, key: serverKey(key, server), address: "127.0.0.1", port: 0, nowMs, log },
    bytes: createImageBytes(join(directory, "store")),
  });
  const givings = new Map<string, OpenImageGiving>();
  const peers = new ImagePeers({
    clock: systemClock,
    ask: async (hostId, asked) => {
      const giving = givings.get(hostId);
      if (giving === undefined) throw new StatusError("noResponders", "There is no such host.");
      return giving.offer(asked);
    },
  });
  const { url } = controller;
  const images = { tickets: createTickets(key), servers: () => [{ server, url }], peers };
  const ids = systemIds(0);
  const all = Array.from({ length: hosts }, (_, index) => join(directory, `host-${index + 1}`));
  const parts = await Promise.all(
    all.map(async (stateDirectory, index) => {
      await mkdir(stateDirectory);
      const hostId = `host-${index + 1}`;
      const context = {
        ...{ hostId, hostName: hostId, stateDirectory, computerDirectory: stateDirectory, ids, log },
        ...{ imageStore: join(directory, "none"), clock: systemClock },
        imageOrigins: async ({ sha256, peers: wanted }: { sha256: string; peers?: { notFrom: string[] } }) =>
          (await originsFor({ hostId, sha256, peers: wanted }, images, systemClock)).origins,
      };
      const part = filesDisks.open(context, { imagesOverNetwork: true, imagePeers });
      const { givenImages } = part;
      if (givenImages !== undefined)
        givings.set(hostId, await openImageGiving({ hostId, images: givenImages, clock: systemClock, log }));
      return part;
    }),
  );
  const beat = () => {
    for (const [hostId, giving] of givings) peers.heard(hostId, giving.told());
  };
  beat();
  const beats = setInterval(beat, leaseLimits.heartbeatPeriodMs);
  const since = performance.now();
  try {
    const { signal } = new AbortController();
    await Promise.all(parts.map(({ disks }) => disks.ensure(specOf(ids.next(), file), signal)));
    const seconds = round((performance.now() - since) / 1_000);
    return { controllerSentMib: round(controller.given.bytes / 1024 ** 2), seconds };
  } finally {
    clearInterval(beats);
    for (const giving of givings.values()) await giving.close();
    await controller.close();
    for (const path of all) await rm(path, { recursive: true, force: true });
  }
}
