/**
 * The entry of the safety channel's thread: opens its own connections to PostgreSQL and NATS, and serves
 * until it is told to stop. Its event loop is its own, so that no command, no garbage collection and no flood
 * in the controller's other thread delays the renewal of a host lease (decision 0025). When it cannot go on
 * it throws, which ends the process.
 */
import { parentPort, workerData } from "node:worker_threads";
import { connectStore } from "../../db/postgres/connect.ts";
import { connectNats } from "../bus/nats.ts";
import { controllerUser } from "../bus/users.ts";
import { connectionOf, postgresUrlOf } from "../config/config.ts";
import { configLimits } from "../config/limits.ts";
import { meterBus } from "../metrics/bus.ts";
import { meterStore } from "../metrics/store.ts";
import { threadMeter } from "../metrics/thread-meter.ts";
import { systemClock, systemIds } from "../process/clock.ts";
import { openLog } from "../process/log.ts";
import { controllerLimits } from "./limits.ts";
import { assembleSafety } from "./safety.ts";
import { LinkedAudience } from "./safety-link.ts";
import type { FromSafety, SafetyThreadData, ToSafety } from "./safety-worker.ts";

const port = parentPort;
if (port === null) throw new Error("This is the entry of a thread: start a controller instead.");
const say = (message: FromSafety) => port.postMessage(message);

const { config, name, logFile } = workerData as SafetyThreadData;
const log = openLog({ process: name, file: logFile });
const clock = systemClock;
const onOutdated = (sentence: string) => say({ kind: "outdated", sentence });
const { meter, measure } = threadMeter({ on: config.metrics !== undefined, log, whole: false });
const opening = { url: postgresUrlOf(config), clock, log, onOutdated, meter: meterStore(meter) };
const store = await connectStore(opening, configLimits.safetyConnectionsMax);
const bus = await connectNats({ ...connectionOf(config, controllerUser), name: `${name}-safety`, log });
meterBus(meter, bus);
const audience = new LinkedAudience(port);
const ids = systemIds(config.deployment);
// An uncaught error ends the thread, and the process with it.
const onFailed = () =>
  void setImmediate(() => {
    throw new Error("A loop that the safety channel needs has failed for good.");
  });
const writer = () => store.writer.look();
const ports = { cell: config.cell, store, writer, bus, clock, ids, log, name, meter, onFailed };
const safety = await assembleSafety(ports, audience);
bus.onConnected(() => safety.cutOff());

async function stop(): Promise<void> {
  await safety.stop();
  await bus.close();
  await store.close();
  log.close();
  say({ kind: "stopped" });
}

port.on("message", (message: ToSafety) => {
  if (message.kind === "answer") audience.answered(message);
  else if (message.kind === "measure") say({ kind: "measured", measured: measure() });
  else void stop();
});
log.info({ cell: config.cell }, "the safety channel hears hosts");
say({ kind: "ready" });
setInterval(() => say({ kind: "beat" }), controllerLimits.safetyBeatPeriodMs).unref();
