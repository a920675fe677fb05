/**
 * Runs a text in a thread of a living process of ours, by the debugger that Node has in every process: so a
 * spec can hold the event loop of a real thread. The process must have been started with
 * `--inspect-port=127.0.0.1:0` (startedWithDebugger).
 */
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** What `start` starts listens for debuggers at a free port of 127.0.0.1 when it gets SIGUSR1. */
export async function startedWithDebugger<T>(start: () => Promise<T>): Promise<T> {
  const options = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `${options ?? ""} --inspect-port=127.0.0.1:0`;
  try {
    return await start();
  } finally {
    if (options === undefined) delete process.env.NODE_OPTIONS;
    else process.env.NODE_OPTIONS = options;
  }
}

export interface HeldProcess {
  readonly pid: number;
  /** The file of its output, where it says where it can be debugged. */
  readonly outputFile: string;
}

/** Runs the text in the process's main thread; resolves when it has run. */
export async function runInMain(held: HeldProcess, expression: string): Promise<void> {
  const socket = await debuggerOf(held);
  const done = next(socket, ({ id }) => id === 1);
  send(socket, { id: 1, ...evaluation(expression) });
  await done;
  socket.close();
}

/** Runs the text in the process's first worker thread; resolves when it was sent, and may run for ever. */
export async function runInWorker(held: HeldProcess, expression: string): Promise<void> {
  const socket = await debuggerOf(held);
  const attached = next(socket, ({ method }) => method === "NodeWorker.attachedToWorker");
  send(socket, { id: 1, method: "NodeWorker.enable", params: { waitForDebuggerOnStart: false } });
  const sessionId = (await attached).params?.sessionId;
  const sent = next(socket, ({ id }) => id === 2);
  const message = JSON.stringify({ id: 1, ...evaluation(expression) });
  send(socket, { id: 2, method: "NodeWorker.sendMessageToWorker", params: { sessionId, message } });
  await sent;
  socket.close();
}

const evaluation = (expression: string) => ({ method: "Runtime.evaluate", params: { expression } });

interface Said {
  readonly id?: number;
  readonly method?: string;
  readonly params?: { readonly sessionId?: string };
}

const send = (socket: WebSocket, message: object): void => socket.send(JSON.stringify(message));

function next(socket: WebSocket, wanted: (said: Said) => boolean): Promise<Said> {
  return new Promise((resolve, reject) => {
    socket.addEventListener("close", () => reject(new Error("The debugger has hung up.")));
    socket.addEventListener("message", ({ data }) => {
      const said: Said = JSON.parse(String(data));
      if (wanted(said)) resolve(said);
    });
  });
}

async function debuggerOf(held: HeldProcess): Promise<WebSocket> {
  const socket = new WebSocket(await addressOf(held));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("The debugger does not answer.")));
  });
  return socket;
}

/** Said once for each process, which writes to the file of the one before it. */
const addresses = new Map<number, string>();

async function addressOf({ pid, outputFile }: HeldProcess): Promise<string> {
  const known = addresses.get(pid);
  if (known !== undefined) return known;
  const before = readFileSync(outputFile, "utf8").length;
  process.kill(pid, "SIGUSR1");
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const said = readFileSync(outputFile, "utf8").slice(before);
    const url = /ws:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]+/.exec(said)?.[0];
    if (url !== undefined) {
      addresses.set(pid, url);
      return url;
    }
    await pause(50);
  }
  throw new Error("The process does not say where it can be debugged.");
}
