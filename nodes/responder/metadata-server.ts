/**
 * Answers guests by HTTP, in the namespace of the node's bridges: whose documents are asked for is said by
 * the service address from which a connection comes, which the kernel gives to the port, and by nothing that
 * a guest sends. Each connection has one request and one answer, and little time.
 */
import { createServer, type Server, type Socket } from "node:net";
import { answerTo } from "../metadata/answer.ts";
import { metadataLimits } from "../metadata/limits.ts";
import { Places } from "../metadata/places.ts";
import { type Asked, readAsked } from "../metadata/request.ts";
import { readToldFile, toldOf } from "../metadata/told-file.ts";
import type { AnsweredGuest } from "./state.ts";

const { connectionMsMax, metadataConnectionsMax } = metadataLimits;

export interface MetadataServerParts {
  /** The guest with a service address. */
  readonly guestAt: (address: string) => AnsweredGuest | undefined;
  /** A fault of ours. */
  readonly fault: (error: unknown) => void;
}

/** Not listening yet. */
export function metadataServer({ guestAt, fault }: MetadataServerParts): Server {
  const places = new Places<Socket>();
  // A guest may end its own side with the question.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const address = socket.remoteAddress ?? "";
    if (guestAt(address) === undefined) return void socket.destroy();
    places.take(address, socket)?.destroy();
    const timer = setTimeout(() => socket.destroy(), connectionMsMax);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      clearTimeout(timer);
      places.leave(address, socket);
    });
    hear(socket, async (asked) => {
      try {
        return answerTo(asked, await told(guestAt(address)));
      } catch (error) {
        fault(error);
        return undefined;
      }
    });
  });
  // A few more than have places: the newest is heard, and another one goes.
  server.maxConnections = metadataConnectionsMax + 16;
  return server;
}

/** As of now: a guest whose port has gone meanwhile is told nothing. */
async function told(guest: AnsweredGuest | undefined) {
  if (guest?.told === undefined) return undefined;
  const said = await readToldFile(guest.told.path, guest.told.instanceId);
  return said && toldOf(said, guest.told.ports);
}

type Answering = (asked: Exclude<Asked, { kind: "unfinished" }>) => Promise<Buffer | undefined>;

/** What comes after the request is read and forgotten: who still sends would miss the answer else. */
function hear(socket: Socket, answer: Answering): void {
  let heard: Buffer | undefined = Buffer.alloc(0);
  socket.on("end", () => {
    if (heard !== undefined) socket.destroy();
  });
  socket.on("data", (bytes: Buffer) => {
    if (heard === undefined) return;
    heard = Buffer.concat([heard, bytes.subarray(0, metadataLimits.requestBytesMax)]);
    const asked = readAsked(heard);
    if (asked.kind === "unfinished") return;
    heard = undefined;
    void answer(asked).then((whole) => (whole === undefined ? socket.destroy() : socket.end(whole)));
  });
}
