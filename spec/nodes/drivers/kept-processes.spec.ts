/** Processes that the driver `user` keeps for its guests: what does not end is tried again. */
import { mkdirSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { type Keeping, KeptProcesses } from "../../../nodes/drivers/user-network/kept-processes.ts";
import { systemClock } from "../../../nodes/process/clock.ts";
import { temporaryDirectory } from "../../support/driver-world.ts";
import { silentLog } from "../../support/silent-log.ts";

describe("Processes that are kept for guests", () => {
  let place: Awaited<ReturnType<typeof temporaryDirectory>>;
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(async () => {
    for (const one of all.splice(0)) await one.detach(false);
    await place.remove();
  });

  const all: KeptProcesses[] = [];
  const made = (given: Partial<Keeping>) => {
    const processes = new KeptProcesses(
      { directory: join(place.path, "kept"), emulator: "false", clock: systemClock },
      { what: "process", wanted: () => [], keep: async () => undefined, ...given },
      silentLog,
    );
    all.push(processes);
    return processes;
  };
  const leave = (...ids: readonly string[]) => {
    for (const id of ids) mkdirSync(join(place.path, "kept", id), { recursive: true });
  };

  it("are ended again and again where one does not end, though none is wanted", async () => {
    let tries = 0;
    const gone = new Promise<void>((resolve) => {
      const processes = made({
        end: async () => {
          tries += 1;
          if (tries < 3) throw new Error("It does not end.");
        },
        ended: () => resolve(),
      });
      leave("one");
      processes.lookSoon();
    });
    await gone;
    expect(tries).to.equal(3);
    expect(await readdir(join(place.path, "kept"))).to.deep.equal([]);
  });

  it("end and are kept, though one of them does not end", async () => {
    const ended: string[] = [];
    const kept = new Promise<void>((resolve) => {
      const processes = made({
        wanted: () => ["wanted"],
        keep: async () => resolve(),
        end: async (directory) => {
          if (directory.endsWith("one")) throw new Error("It does not end.");
        },
        ended: (id) => void ended.push(id),
      });
      leave("one", "other", "wanted");
      processes.lookSoon();
    });
    await kept;
    expect(ended).to.deep.equal(["other"]);
    expect((await readdir(join(place.path, "kept"))).toSorted()).to.deep.equal(["one", "wanted"]);
  });
});
