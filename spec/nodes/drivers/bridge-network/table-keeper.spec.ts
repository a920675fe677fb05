/** When a host begins to hear of removed tables, and that it does not after its end; by a watch of parts. */
import { expect } from "chai";
import { type KeeperParts, TableKeeper } from "../../../../nodes/drivers/bridge-network/table-keeper.ts";
import { silentLog } from "../../../support/silent-log.ts";

const repair = { inTurn: (act: () => Promise<void>) => act(), compare: () => undefined };

/** `before`: called while the keeper waits for a path. */
function makeKeeper(before: { path?: () => void; underlayPath?: () => void } = {}) {
  /** What is listened to, as `bridge nv,inet nv at /fabric`. */
  const heard = new Set<string>();
  const found = (which: "path" | "underlayPath") => async () => {
    await Promise.resolve();
    before[which]?.();
    return `/${which}`;
  };
  const hear: KeeperParts["hear"] = ({ tables }) => {
    let last = "";
    return {
      watch: (path) => {
        last = `${tables.join()} at ${path}`;
        heard.add(last);
      },
      stop: () => heard.delete(last),
    };
  };
  const parts: unknown = {
    fabric: { path: found("path"), underlayPath: found("underlayPath") },
    ...{ guard: { table: "nvtunnels_1" }, log: silentLog, hear },
  };
  return { keeper: new TableKeeper(parts as KeeperParts), heard };
}

const [ofFabric, ofTunnels] = ["bridge nv,inet nv at /path", "inet nvtunnels_1 at /underlayPath"];

describe("The keeper of the tables that keep packets back", () => {
  it("hears of those of guests, and of those of tunnels where there are tunnels", async () => {
    const { keeper, heard } = makeKeeper();
    await keeper.watch(repair, true);
    expect([...heard]).to.deep.equal([ofFabric, ofTunnels]);
    await keeper.watch(repair, false);
    expect([...heard]).to.deep.equal([ofFabric]);
    keeper.stop();
    expect([...heard]).to.deep.equal([]);
  });

  it("begins to hear of nothing when it was stopped while it looked for the place", async () => {
    for (const which of ["path", "underlayPath"] as const) {
      const { keeper, heard } = makeKeeper({ [which]: () => keeper.stop() });
      await keeper.watch(repair, true);
      expect([...heard], which).to.deep.equal([]);
    }
  });
});
