/** The fault that fills file systems: each in turn and all at once, only small ones of our own. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { fillDisk, removeFillers } from "../../../nodes/chaos/full-disk.ts";
import { hangDisk, thawDisks } from "../../../nodes/chaos/hanging-disk.ts";
import { FaultRefused } from "../../../nodes/chaos/injected.ts";
import { contradictions } from "../../../nodes/chaos/scenario.ts";
import { parseConfig } from "../../../nodes/config/config.ts";
import { mountSmall, type SmallFileSystem } from "../../support/small-file-system.ts";

describe("a fault that fills disks", () => {
  let state: SmallFileSystem;
  let shared: SmallFileSystem;
  const config = () =>
    parseConfig(
      JSON.stringify({
        stateDirectory: state.path,
        nodes: [{ name: "node-1", hypervisor: "qemu", sharedDirectory: shared.path }],
      }),
      join(state.path, "cluster.yaml"),
    );
  const freeOf = ({ path }: SmallFileSystem) => statfsSync(path).bavail;

  beforeEach(function () {
    state = mountSmall(this, 2);
    shared = mountSmall(this, 2);
  });
  afterEach(() => {
    for (const one of [state, shared]) one?.remove();
  });

  it("fills each of them, and frees it again", async () => {
    for (const [target, full] of [
      ["state", [true, false]],
      ["shared", [false, true]],
      ["all", [true, true]],
    ] as const) {
      const { heal } = await fillDisk(config(), target);
      expect([freeOf(state) === 0, freeOf(shared) === 0]).to.deep.equal(full);
      await heal();
      await heal();
      expect([freeOf(state) > 0, freeOf(shared) > 0]).to.deep.equal([true, true]);
    }
  });

  it("frees what an earlier run has left", async () => {
    await fillDisk(config(), "all");
    await removeFillers(config());
    expect([freeOf(state) > 0, freeOf(shared) > 0]).to.deep.equal([true, true]);
  });

  it("never fills a disk that others use", async () => {
    const place = mkdtempSync(join(tmpdir(), "novact-not-small-"));
    mkdirSync(join(place, "state"));
    const other = parseConfig(
      JSON.stringify({ stateDirectory: join(place, "state"), nodes: [{ name: "f-1", hypervisor: "fake" }] }),
      join(place, "cluster.yaml"),
    );
    for (const target of ["state", "all", "f-1"]) {
      const refused = await fillDisk(other, target).catch((error: unknown) => error);
      expect(refused).to.have.property("name", "FaultRefused");
    }
    expect(existsSync(join(place, "state", "chaos-filler"))).to.equal(false);
    rmSync(place, { recursive: true });
  });

  it("fills nothing but what is no process", () => {
    expect(contradictions({ kind: "fill", target: "state", atSeconds: 1 })).to.deep.equal([]);
    expect(contradictions({ kind: "kill", target: "state", atSeconds: 1 })).to.have.length(1);
  });

  it("lets hang what can be frozen, which memory cannot, and no process", async () => {
    expect(contradictions({ kind: "hang", target: "shared", atSeconds: 1 })).to.deep.equal([]);
    expect(contradictions({ kind: "hang", target: "node", atSeconds: 1 })).to.have.length(1);
    for (const target of ["shared", "node-1"]) {
      const refused = await hangDisk(config(), target).catch((error: unknown) => error);
      expect(refused).to.be.instanceOf(FaultRefused);
    }
    await thawDisks(config());
    writeFileSync(join(shared.path, "written"), "");
  });
});
