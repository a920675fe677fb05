/**
 * accept: from a create to its durable answer at one client, beside one bare NATS round trip and one bare
 * PostgreSQL commit. The three alternate in the same run, so that other load on the computer slows all of
 * them alike.
 *
 * Two series: `alone` lets each create run to its end before the next sample, so that one create alone is
 * measured; `backToBack` does not wait, so that the building of the last instance takes its share of the
 * computer.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openCommitProbe } from "../../db/bench/commit-probe.ts";
import { connectNats } from "../bus/nats.ts";
import { controllerUser } from "../bus/users.ts";
import { connectionOf, postgresUrlOf } from "../config/config.ts";
import { systemClock } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { round, spread, timed } from "./figures.ts";
import { type Note, unnoted } from "./note.ts";

const echoSubject = "novact.bench.echo";
/**
 * Pause after each create: an instance that only pretends runs, and its events are published, well within
 * it.
 */
const restMs = 25;
const secondsMax = 40;

export interface AcceptOptions {
  readonly count: number;
  /** Creates before both series, which are not counted. */
  readonly warmUps: number;
  readonly note: Note;
}

export async function accept(options: Partial<AcceptOptions> = {}): Promise<unknown> {
  const { count, warmUps, note } = { count: 1_000, warmUps: 300, note: unnoted, ...options };
  return withCluster({ guests: "pretended" }, async (cluster) => {
    await prepareCatalog(cluster);
    const yardstick = await openYardstick(cluster);
    // Not counted: these calls warm up compilers and caches on all sides.
    await series(cluster, yardstick, { count: warmUps, restMs: 0 });
    const alone = await series(cluster, yardstick, { count, restMs });
    note("alone", alone);
    const backToBack = await series(cluster, yardstick, { count, restMs: 0 });
    await yardstick.close();
    return { alone, backToBack, target: "ratio at most 2" };
  });
}

type Yardstick = Awaited<ReturnType<typeof openYardstick>>;

async function series(
  { demo }: BenchCluster,
  yardstick: Yardstick,
  { count, restMs }: { readonly count: number; readonly restMs: number },
): Promise<unknown> {
  const request = { name: "bench", flavor: "bench", image: "bench" };
  const samples = { roundTrip: [] as number[], commit: [] as number[], create: [] as number[] };
  const untilMs = performance.now() + secondsMax * 1000;
  for (let index = 0; index < count && performance.now() < untilMs; index += 1) {
    samples.roundTrip.push((await timed(yardstick.roundTrip)).ms);
    samples.commit.push((await timed(yardstick.commit)).ms);
    samples.create.push((await timed(() => demo.instance.create(request))).ms);
    if (restMs > 0) await pause(restMs);
  }
  const [natsRoundTripMs, postgresCommitMs, createAnsweredMs] = [
    spread(samples.roundTrip),
    spread(samples.commit),
    spread(samples.create),
  ];
  const ratioOfMedians = round(createAnsweredMs.p50 / (natsRoundTripMs.p50 + postgresCommitMs.p50), 2);
  process.stderr.write(`  rest of ${restMs} ms: ratio ${ratioOfMedians}\n`);
  return { restMs, natsRoundTripMs, postgresCommitMs, createAnsweredMs, ratioOfMedians };
}

async function openYardstick({ config, directory }: BenchCluster) {
  const log = openLog({ process: "bench", file: join(directory, "bench.log") });
  const credentials = connectionOf(config, controllerUser);
  const bus = await connectNats({ ...credentials, name: "bench", log });
  const { servers, user = "", pass = "" } = credentials;
  const echo = fork(join(import.meta.dirname, "echo.ts"), [servers[0] ?? "", user, pass, echoSubject]);
  await once(echo, "message");
  const probe = await openCommitProbe(postgresUrlOf(config), systemClock, log);
  const message = { body: new Uint8Array(1_024), headers: {} };
  return {
    roundTrip: () => bus.request(echoSubject, message, 5_000),
    commit: () => probe.commit(),
    close: async () => {
      echo.disconnect();
      await probe.close();
      await bus.close();
    },
  };
}
