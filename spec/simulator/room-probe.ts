/** Asks, without making anything, whether controllers still choose hosts, whatever has crashed before. */
import { StatusError } from "../../protocol/wire/status.ts";
import type { SimulatedClient } from "./client.ts";
import type { Kernel } from "./kernel.ts";

/** Undefined: a controller has answered. */
export async function whyNobodyChooses(
  kernel: Kernel,
  admin: Pick<SimulatedClient, "process" | "clients">,
): Promise<string | undefined> {
  let failed: string | undefined;
  let answered = false;
  kernel.soon(admin.process, "asks where there is room", () => {
    const wanted = { name: "probe", flavor: "tiny", image: "tiny" };
    void admin.clients.instance
      .explainCreate(wanted, { timeoutMs: 30_000 })
      .catch((thrown: unknown) => {
        // Where all controllers are of the version before, nobody knows the question.
        const isOlder = thrown instanceof StatusError && thrown.reason === "unknownMethod";
        if (!isOlder) failed = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
      })
      .finally(() => {
        answered = true;
      });
  });
  await kernel.run(kernel.nowMs + 40_000, () => answered);
  return answered ? failed : "no answer";
}
