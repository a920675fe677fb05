/**
 * The responder's process, one for a compute node with the driver `bridge`: answers its guests' questions of
 * DHCP and DHCPv6, tells them their networks of IPv6, and by HTTP who they are. It lives in the namespace of
 * the node's bridges, where each question comes from an address that the kernel has given to the port, and it
 * outlives the agent. Whom it answers is said by a file, and by nothing that a guest sends. Ended by SIGTERM,
 * and by the removal of its directory; a second one ends at once, with 0.
 *
 *   node nodes/responder/main.ts --directory DIRECTORY
 */
import "../process/umask.ts";
import { createSocket, type Socket } from "node:dgram";
import { ftruncateSync, utimesSync, writeSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { addressText } from "../../protocol/address.ts";
import { serviceAddress } from "../dhcp/lease.ts";
import { metadataLimits } from "../metadata/limits.ts";
import { ownVersion } from "../package/program-files.ts";
import { proofOf } from "../process/owned-process.ts";
import { takeLock } from "../switch/only-one.ts";
import { replaceFile } from "../switch/state.ts";
import { StateWatch } from "../switch/state-watch.ts";
import { answerFor } from "./answering.ts";
import { FrameAnswers } from "./frame-answers.ts";
import { responderLimits } from "./limits.ts";
import { metadataServer } from "./metadata-server.ts";
import { type AnsweredGuest, type ResponderProcess, readResponderState, responderFiles } from "./state.ts";

const serverPort = 67;
const clientPort = 68;
const metadataPort = 80;

let logBytes = 0;

/** Writes one line to the log (standard error), which starts again when it has become too long. */
function say(text: string): void {
  const line = `${new Date().toISOString()} ${text}\n`;
  try {
    logBytes += line.length;
    if (logBytes > responderLimits.responderLogBytesMax) ftruncateSync(2);
    if (logBytes > responderLimits.responderLogBytesMax) logBytes = line.length;
    writeSync(2, line);
  } catch {
    // A full disk, or a log that is no file: the answers matter more.
    logBytes = 0;
  }
}

let guests: ReadonlyMap<string, AnsweredGuest> = new Map();
let isFaulty = false;

async function readState(path: string): Promise<void> {
  try {
    const state = await readResponderState(path);
    guests = new Map(state.guests.map((guest) => [guest.own, guest]));
    frames.answer(state.guests6 ?? []);
  } catch (error) {
    say(`whom to answer stays as it is: ${String(error)}`);
  }
}

/** Once: a guest could fill the log with it. */
function fault(what: string, error: unknown): void {
  if (!isFaulty) say(`${what} met a fault: ${String(error)}`);
  isFaulty = true;
}

function take(socket: Socket, bytes: Buffer, from: string): void {
  try {
    const guest = guests.get(from);
    const answer = guest && answerFor(guest, bytes);
    // One that cannot be sent is asked for again.
    if (answer !== undefined) socket.send(answer.payload, clientPort, answer.to, () => undefined);
  } catch (error) {
    fault(`a question from ${from}`, error);
  }
}

const ownAddress = addressText({ version: 4, value: BigInt(serviceAddress) });
/** Why it does not listen, by what for. */
const deaf = new Map<Heard, string>();
type Heard = "DHCP" | "metadata" | "IPv6";

function heard(what: Heard, error: unknown): void {
  const before = deaf.get(what);
  const now = error === undefined ? undefined : String(error);
  if (now === before) return;
  if (now === undefined) deaf.delete(what);
  else {
    say(`it cannot listen for ${what} yet: ${now}`);
    deaf.set(what, now);
  }
  void tell();
}

function listenForDhcp(): void {
  const socket = createSocket({ type: "udp4", recvBufferSize: responderLimits.questionBytesMax });
  socket.on("message", (bytes, { address, port }) => {
    if (port === clientPort) take(socket, bytes, address);
  });
  socket.on("listening", () => heard("DHCP", undefined));
  socket.on("error", (error) => {
    heard("DHCP", error);
    socket.close();
    setTimeout(listenForDhcp, responderLimits.bindRetryMs);
  });
  socket.bind(serverPort, ownAddress);
}

const frames = new FrameAnswers({
  address: ownAddress,
  nowMs: () => performance.now(),
  heard: (error) => heard("IPv6", error),
  fault,
});

function listenForMetadata(): void {
  const server = metadataServer({
    guestAt: (address) => guests.get(address),
    fault: (error) => fault("an answer of metadata", error),
  });
  server.on("listening", () => heard("metadata", undefined));
  server.on("error", (error) => {
    heard("metadata", error);
    server.close();
    setTimeout(listenForMetadata, responderLimits.bindRetryMs);
  });
  server.listen({ port: metadataPort, host: ownAddress, backlog: metadataLimits.metadataConnectionsMax });
}

/** Writes the process file anew: pid, version, and which service does not listen. One writing at a time. */
function tell(): Promise<void> {
  telling = telling.then(async () => {
    const faults = [...deaf].map(([what, why]) => `${what}: ${why}`);
    const said: ResponderProcess = { ...own, fault: faults.length === 0 ? null : faults.join("; ") };
    await replaceFile(processFile, JSON.stringify(said), false).catch((error: unknown) =>
      say(`it cannot say who it is: ${String(error)}`),
    );
  });
  return telling;
}

function beat(): void {
  const now = new Date();
  try {
    utimesSync(processFile, now, now);
  } catch {
    // It could not be written before.
    void tell();
  }
}

const { directory: given } = parseArgs({ options: { directory: { type: "string" } } }).values;
if (given === undefined) throw new Error("Usage: node nodes/responder/main.ts --directory DIRECTORY");
const directory = resolve(given);
// The driver finds the processes of its namespace by their directory.
process.chdir(directory);
const lock = takeLock(join(directory, responderFiles.lock));
if (lock === undefined) {
  say(`another responder has ${directory}`);
  process.exit(0);
}
const startTicks = Number(proofOf(process.pid, directory)?.startTicks ?? 0);
const own = { pid: process.pid, startTicks, release: ownVersion() };
const processFile = join(directory, responderFiles.process);
let telling = Promise.resolve();
await tell();
const state = join(directory, responderFiles.state);
new StateWatch(state, () => readState(state));
process.on("SIGTERM", () => process.exit(0));
setInterval(() => {
  if (!lock.isThere()) process.exit(0);
}, responderLimits.directoryLookPeriodMs);
setInterval(beat, responderLimits.beatPeriodMs);
setInterval(() => frames.announce(), responderLimits.announcePeriodMs);
listenForDhcp();
listenForMetadata();
frames.listen();
say(`it answers for ${directory} as process ${process.pid}`);
