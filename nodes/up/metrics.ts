/**
 * The page for Prometheus of a whole cluster on one computer: when somebody reads it, every process is asked
 * over its private channel what it has counted, and each sample says whose it is. One page and one port for
 * all, however many processes there are and whenever they start anew; a process that does not answer in time
 * is shown as down, and holds up nothing else. Off unless the configuration names a port.
 */
import type { NatsCredentials } from "../bus/credentials.ts";
import type { ClusterConfig } from "../config/config.ts";
import { metricsLimits } from "../metrics/limits.ts";
import { openPage } from "../metrics/page.ts";
import { type Part, pageText, plain } from "../metrics/text.ts";
import { threadMeter } from "../metrics/thread-meter.ts";
import type { ThreadMeasured } from "../process/messages.ts";
import { silent } from "./disk-watch.ts";
import { NatsMeter } from "./nats-meter.ts";
import { ServerStartError } from "./server-process.ts";

/** A process of the cluster that is kept running. */
export interface MeasuredProcess {
  readonly name: string;
  /** Undefined while it is down. */
  current(): { measure(patienceMs: number): Promise<readonly ThreadMeasured[] | null> } | undefined;
}

export interface MetricsPageOptions {
  readonly config: Pick<ClusterConfig, "metrics">;
  /** Those that there are now. */
  readonly processes: () => readonly MeasuredProcess[];
  /** For questions to our own NATS server; undefined: there is none. */
  readonly nats: () => NatsCredentials | undefined;
  readonly say: (text: string) => void;
}

/**
 * Opens the page, if the configuration has one; the answer closes it. @throws ServerStartError when the port
 * is taken or the address is another computer's
 */
export async function openMetricsPage(options: MetricsPageOptions): Promise<() => Promise<void>> {
  const { metrics } = options.config;
  if (metrics === undefined) return async () => undefined;
  const { measure } = threadMeter({ on: true, log: silent, whole: true });
  const nats = new NatsMeter(options.nats);
  const text = async () => {
    const own: Part = { process: "up", thread: "main", measured: measure() };
    const others = await Promise.all([...options.processes().map(partsOf), nats.parts()]);
    return pageText([own, ...others.flat()]);
  };
  try {
    const page = await openPage({ ...metrics, text });
    options.say(`Prometheus reads ${page.url}`);
    return async () => {
      await page.close();
      await nats.close();
    };
  } catch (error) {
    throw notOpened(metrics, error as NodeJS.ErrnoException);
  }
}

/** A process that is down, or silent, still has a part, which says so. */
async function partsOf({ name, current }: MeasuredProcess): Promise<readonly Part[]> {
  const threads = await current()?.measure(metricsLimits.processAnswerMs);
  return (threads ?? [{ thread: "main", measured: null }]).map(({ thread, measured }) => ({
    process: name,
    thread,
    measured: measured ?? [plain("novact_thread_up", 0)],
  }));
}

function notOpened(
  { port, address }: NonNullable<ClusterConfig["metrics"]>,
  { code, message }: NodeJS.ErrnoException,
): ServerStartError {
  if (code === "EADDRINUSE")
    return new ServerStartError(
      `Port ${port} of ${address} is taken by another program. Set metrics.port in cluster.yaml to a free one, or to 0.`,
      "FAILED_PRECONDITION",
    );
  const hint =
    "Set metrics.address in cluster.yaml to an address of this computer, and metrics.port above 1023.";
  return new ServerStartError(`The page for Prometheus cannot listen on ${address}: ${message}. ${hint}`);
}
