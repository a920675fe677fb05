/**
 * Pages in a headless Chromium: served from this process on a port of 127.0.0.1, so that they have an origin,
 * and each says by a POST how it has ended. Nothing of it outlives the page.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Where Debian puts it. */
const program = "/usr/bin/chromium";

export const hasChromium = (): boolean => existsSync(program);

export interface PageServer {
  /** As a page's `location.origin` has it. */
  readonly origin: string;
  /** Shows the page and answers what it posts to `/result`. @throws Error when it does not in time */
  show(files: Readonly<Record<string, string>>, timeoutMs: number): Promise<unknown>;
  close(): Promise<void>;
}

const typeOf = (path: string): string =>
  path.endsWith("js") ? "text/javascript" : "text/html; charset=utf-8";

export async function startPageServer(): Promise<PageServer> {
  let files: Readonly<Record<string, string>> = {};
  let posted: (text: string) => void = () => undefined;
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://page").pathname;
    if (request.method === "POST") {
      let text = "";
      request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
      request.on("end", () => {
        response.end();
        posted(text);
      });
      return;
    }
    const body = files[path];
    response.writeHead(body === undefined ? 404 : 200, { "content-type": typeOf(path) }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const origin = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  return {
    origin,
    show(given, timeoutMs) {
      files = given;
      const { promise, resolve } = Promise.withResolvers<string>();
      posted = resolve;
      return visit(`${origin}/`, promise, timeoutMs);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Root's Chromium has no sandbox; the page is ours. */
const flags = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
];

async function visit(url: string, posted: Promise<string>, timeoutMs: number): Promise<unknown> {
  const profile = mkdtempSync(join(tmpdir(), "novact-chromium-"));
  const child = spawn(program, [...flags, "--enable-logging=stderr", `--user-data-dir=${profile}`, url], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  let wrote = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (wrote = (wrote + chunk).slice(-4_000)));
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const { promise: failed, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`The page said nothing in ${timeoutMs} ms. Chromium wrote:\n${wrote}`)),
    timeoutMs,
  );
  child.once("error", reject);
  child.once("exit", (code) => reject(new Error(`Chromium ended with ${code}. It wrote:\n${wrote}`)));
  try {
    return JSON.parse(await Promise.race([posted, failed]));
  } finally {
    clearTimeout(timer);
    endGroup(child);
    await ended;
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** With all of Chromium's processes: they are a group of their own. */
function endGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
}
