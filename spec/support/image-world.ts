/**
 * A controller with a store of images on the disk and its HTTP server, and between that and its clients a
 * proxy that breaks connections off after so many bytes.
 */
import { createServer, connect as dial, type Socket } from "node:net";
import { join } from "node:path";
import { createImageBytes } from "../../nodes/drivers/images/bytes.ts";
import { createImageFiles } from "../../nodes/drivers/images/files.ts";
import { FileUploads } from "../../nodes/drivers/images/uploads/uploads.ts";
import { openImageServer } from "../../nodes/image-server/server.ts";
import { createTickets, serverKey } from "../../nodes/image-server/ticket.ts";
import { controllerWorld, silentLog } from "./controller-world.ts";
import { temporaryDirectory } from "./driver-world.ts";

export type ImageWorld = Awaited<ReturnType<typeof imageWorld>>;

export async function imageWorld() {
  const place = await temporaryDirectory();
  const directory = join(place.path, "images");
  const [clusterKey, server] = [Buffer.alloc(32, 7), "one"];
  const nowMs = () => Date.now();
  const uploads = new FileUploads({ directory, nowMs, freeBytesMin: 0 });
  const bytes = createImageBytes(directory);
  const own = await openImageServer({
    ...{ server, key: serverKey(clusterKey, server), address: "127.0.0.1", port: 0 },
    ...{ bytes, uploads, nowMs, log: silentLog },
  });
  const breaking = await breakingProxy(Number(new URL(own.url).port));
  const door = { server, url: breaking.url, bytes, uploads, tickets: createTickets(clusterKey) };
  const imageFiles = createImageFiles({ directory, sources: [place.path] });
  const world = await controllerWorld({ imageFiles, imageDoors: [door], catalog: false });
  const stop = async () => {
    await world.stop();
    await breaking.close();
    await own.close();
    await place.remove();
  };
  return { ...world, place, directory, uploads, breakAfter: breaking.breakAfter, stop };
}

async function breakingProxy(port: number) {
  const sockets = new Set<Socket>();
  const breaks: number[] = [];
  const proxy = createServer((client) => {
    const server = dial(port, "127.0.0.1");
    let left = breaks.shift() ?? Number.POSITIVE_INFINITY;
    const pass = (from: Socket, to: Socket) => {
      sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => to.destroy());
      from.on("data", (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) {
          client.destroy();
          server.destroy();
        } else if (!to.write(chunk)) {
          from.pause();
          to.once("drain", () => from.resume());
        }
      });
    };
    pass(client, server);
    pass(server, client);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("It has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** The next connections break off after so many bytes of both directions. */
    breakAfter: (...bytes: readonly number[]) => void breaks.push(...bytes),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => proxy.close(() => resolve()));
    },
  };
}
