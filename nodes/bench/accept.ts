/**
 * accept: create → durable answer at one client, beside one bare NATS round trip and one bare PostgreSQL
 * commit, taken in turns in the same run, so that whatever else the machine does slows all of them alike.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { openCommitProbe } from "../../db/commit-probe.ts";
import { systemClock } from "../clock.ts";
import { connectionOf, postgresUrlOf } from "../config.ts";
import { openLog } from "../log.ts";
import { connectNats } from "../nats.ts";
import { controllerUser } from "../up/nats-access.ts";
import { type BenchCluster, withCluster } from "./bench-cluster.ts";
import { prepareCatalog } from "./catalog.ts";
import { round, spread, timed } from "./figures.ts";

const echoSubject = "novact.bench.echo";

export async function accept(count = 1_000): Promise<unknown> {
  return withCluster({ hypervisor: "fake" }, async (cluster) => {
    await prepareCatalog(cluster);
    const yardstick = await openYardstick(cluster);
    const request = { name: "bench", flavor: "bench", image: "bench" };
    const samples = { roundTrip: [] as number[], commit: [] as number[], create: [] as number[] };
    for (let index = -100; index < count; index += 1) {
      const roundTrip = await timed(yardstick.roundTrip);
      const commit = await timed(yardstick.commit);
      const create = await timed(() => cluster.demo.instance.create(request));
      // The first ones warm up compilers and caches on all sides.
      if (index < 0) continue;
      samples.roundTrip.push(roundTrip.ms);
      samples.commit.push(commit.ms);
      samples.create.push(create.ms);
    }
    await yardstick.close();
    const [roundTripMs, commitMs, createMs] = [samples.roundTrip, samples.commit, samples.create].map(spread);
    const yardstickMs = (roundTripMs?.p50 ?? 0) + (commitMs?.p50 ?? 0);
    return {
      natsRoundTripMs: roundTripMs,
      postgresCommitMs: commitMs,
      createAnsweredMs: createMs,
      ratioOfMedians: round((createMs?.p50 ?? 0) / yardstickMs, 2),
      target: "ratio at most 2",
    };
  });
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
