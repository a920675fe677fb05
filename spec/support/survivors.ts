/**
 * What keeps a process from ending, for people: the kind of each thing, and for pipes and sockets their file
 * and who holds the other end. Of other processes it tells their names alone, never their arguments.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

/** As far as Node tells; it has no name for this that is documented. */
interface Handle {
  readonly _handle?: { readonly fd?: number; readonly constructor: { readonly name: string } } | null;
}

/** A process's own input, output and errors keep it alive no longer than it wants. */
const ownFilesMax = 2;

/** One line for each; never none where the process goes on. */
export function survivorsOf(): readonly string[] {
  const own: unknown = Reflect.get(process, "_getActiveHandles");
  const handles: readonly Handle[] = typeof own === "function" ? own.call(process) : [];
  const files = handles.flatMap(({ _handle: found }) => {
    const fd = found?.fd ?? -1;
    return fd > ownFilesMax ? [{ fd, kind: found?.constructor.name ?? "" }] : [];
  });
  const peers = files.length === 0 ? new Map<string, string>() : peersOf(socketsText());
  const holders = files.length === 0 ? new Map<string, readonly string[]>() : holdersByFile();
  const described = files.map(({ fd, kind }) => descriptionOf(kind, fd, { peers, holders }));
  const all = [...described, ...kindsWithoutFile()].sort();
  return all.length > 0 ? all : process.getActiveResourcesInfo();
}

/** Kinds of which there is no more to say; pipes and sockets are told of by their files. */
const kindsWithoutFile = (): readonly string[] =>
  process.getActiveResourcesInfo().filter((kind) => !/^(?:Pipe|TCPSocket|TTY)Wrap$/.test(kind));

interface Known {
  readonly peers: ReadonlyMap<string, string>;
  readonly holders: ReadonlyMap<string, readonly string[]>;
}

function descriptionOf(kind: string, fd: number, { peers, holders }: Known): string {
  const link = linkOf("self", String(fd)) ?? "closed";
  const other = peers.get(link) ?? link;
  const held = (holders.get(other) ?? []).filter(
    (one) => other !== link || !one.endsWith(`(${process.pid})`),
  );
  return `${kind} ${fd} ${link}, other end ${other} held by ${held.join(" and ") || "nobody known"}`;
}

/** From `ss`: by a socket's link the link of the socket at its other end. */
export function peersOf(text: string): ReadonlyMap<string, string> {
  const pairs = text.split("\n").flatMap((line): readonly (readonly [string, string])[] => {
    const [, own = "", other = ""] = /\s(\d+)\s+\S+\s+(\d+)\s*$/.exec(line) ?? [];
    return own === "" || other === "0" ? [] : [[`socket:[${own}]`, `socket:[${other}]`]];
  });
  return new Map(pairs);
}

function socketsText(): string {
  try {
    return execFileSync("ss", ["-xH"], {
      encoding: "utf8",
      timeout: 10_000,
      stdio: ["ignore", "pipe", "ignore"],
    });
  } catch {
    // It is not installed: the other ends of sockets stay unknown.
    return "";
  }
}

/** Names and numbers of the processes that have a pipe or socket open, by its link. */
function holdersByFile(): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
    for (const link of new Set(linksOf(pid)))
      found.set(link, [...(found.get(link) ?? []), `${nameOf(pid)} (${pid})`]);
  return found;
}

function linksOf(pid: string): readonly string[] {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => linkOf(pid, fd) ?? []);
    return links.filter((link) => /^(?:pipe|socket):/.test(link));
  } catch {
    // It has ended, or is another user's.
    return [];
  }
}

function linkOf(pid: string, fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/fd/${fd}`);
  } catch {
    return undefined;
  }
}

function nameOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "ended";
  }
}
