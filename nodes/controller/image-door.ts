/**
 * The controller's own server for the bytes of images: its uploads, its tickets, and the HTTP server that
 * opens for them, on loopback until machines have certificates (decision 0081). It must never end with
 * another name than it began with: whoever resumes an upload looks for it by that.
 */
import { join } from "node:path";
import type { ImageDoor } from "../../actors/ports/image-bytes.ts";
import type { Log } from "../../protocol/wire/transport.ts";
import { type ClusterConfig, statePaths } from "../config/config.ts";
import { ConfigError } from "../config/errors.ts";
import { imagePortOf } from "../config/server-ports.ts";
import { createImageBytes } from "../drivers/images/bytes.ts";
import { FileUploads } from "../drivers/images/uploads/uploads.ts";
import { openTicketKey } from "../image-server/key-file.ts";
import { openImageServer } from "../image-server/server.ts";
import { createTickets, serverKey, serverName } from "../image-server/ticket.ts";
import { systemClock } from "../process/clock.ts";

const loopback = "127.0.0.1";

export interface OpenImageDoor extends ImageDoor {
  /** Ends the transfers, too: they go on when this controller is there again. */
  close(): Promise<void>;
}

/**
 * `name`: of the controller, among those with this state directory. @throws ConfigError when its port cannot
 * be had, Error when the key is none
 */
export async function openImageDoor(
  config: ClusterConfig,
  { name, index, log }: { readonly name: string; readonly index: number; readonly log: Log },
): Promise<OpenImageDoor> {
  const { images: directory, imageTickets } = statePaths(config);
  const key = await openTicketKey(imageTickets);
  const server = serverName(key, name);
  const nowMs = () => systemClock.nowMs();
  const bytes = createImageBytes(directory);
  const uploads = new FileUploads({ directory, whose: name, nowMs });
  const port = imagePortOf(config, index);
  const common = { server, address: loopback, port, bytes, uploads, nowMs, log };
  const open = await openImageServer({ ...common, key: serverKey(key, server) }).catch((error: Error) => {
    const message = `images.port: nobody can listen on port ${port} of ${loopback}: ${error.message}`;
    throw new ConfigError(config.file, [{ line: 1, message }]);
  });
  log.info({ url: open.url, directory: join(directory, "uploads") }, "images are taken and given");
  const { url, given, close } = open;
  return { server, url, bytes, uploads, tickets: createTickets(key), given, close };
}
