/** Connections in a file: what is kept of them, and what is believed of a file. */
import { utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { Connections } from "../../../nodes/switch/filter/connections.ts";
import type { Stage } from "../../../nodes/switch/filter/stages.ts";
import type { Carried } from "../../../nodes/switch/frames/flow.ts";
import { keptText, readKept } from "../../../nodes/switch/kept-connections.ts";
import { switchLimits } from "../../../nodes/switch/limits.ts";
import { type TemporaryDirectory, temporaryDirectory } from "../../support/driver-world.ts";

const flow = { version: 4, protocol: 6, source: "0a000101", destination: "0a000102" } as const;
const carried = (sourcePort: number, given: Partial<Carried> = {}): Carried => ({
  ...{ flow: { ...flow, sourcePort, destinationPort: 22 }, tcpFlags: 2, icmp: null, ...given },
});
const ends = { network: 1, from: "a", to: "b" };

describe("kept connections", () => {
  let place: TemporaryDirectory;
  const path = () => join(place.path, "connections.json");
  const known = (...stages: readonly Stage[]) => {
    const table = new Connections();
    stages.forEach((stage, port) => {
      table.begin(ends, carried(port), 0, stage);
    });
    return table;
  };
  beforeEach(async () => {
    place = await temporaryDirectory();
  });
  afterEach(() => place.remove());

  it("are those that were answered, of what lasts", async () => {
    const table = known("opening", "answered", "closing", "closed");
    table.begin(ends, carried(9, { icmp: { type: 8, code: 0, about: null } }), 0, "answered");
    writeFileSync(path(), keptText(table.all(), []));
    expect(await readKept(path())).to.deep.equal([{ ...ends, carried: carried(1) }]);
  });

  it("are as many as are kept at most, the newest", async () => {
    const table = new Connections({ connectionsPerPortMax: 100_000, connectionsMax: 100_000 });
    const count = switchLimits.connectionsKeptMax + 5;
    for (let port = 0; port < count; port += 1) table.begin(ends, carried(port), 0, "answered");
    writeFileSync(path(), keptText(table.all(), []));
    const kept = await readKept(path());
    expect(kept).to.have.length(switchLimits.connectionsKeptMax);
    expect(kept.at(-1)?.carried.flow.sourcePort).to.equal(count - 1);
  });

  it("have those that were revoked among them, which leave room for others", async () => {
    const table = new Connections({ connectionsPerPortMax: 100_000, connectionsMax: 100_000 });
    const half = switchLimits.connectionsKeptMax / 2;
    for (let port = 0; port < 2 * half; port += 1) table.begin(ends, carried(port), 0, "answered");
    const revoked = Array.from({ length: half + 1 }, (_, port) => ({
      ...ends,
      carried: carried(50_000 + port),
    }));
    writeFileSync(path(), keptText(table.all(), revoked));
    const ports = (await readKept(path())).map((one) => one.carried.flow.sourcePort);
    expect([ports.length, ports[0], ports[half - 1]]).to.deep.equal([2 * half, 50_001, 50_000 + half]);
    expect([ports[half], ports.at(-1)]).to.deep.equal([half, 2 * half - 1]);
  });

  it("are none when the file is missing, damaged or old", async () => {
    expect(await readKept(path())).to.deep.equal([]);
    const text = keptText(known("answered").all(), []);
    for (const damaged of ["", "{}", text.slice(1), text.replace("0a000101", "nowhere")]) {
      writeFileSync(path(), damaged);
      expect(await readKept(path()), damaged).to.deep.equal([]);
    }
    writeFileSync(path(), text);
    expect(await readKept(path())).to.have.length(1);
    const old = new Date(Date.now() - switchLimits.connectionsKeptMs - 1_000);
    utimesSync(path(), old, old);
    expect(await readKept(path())).to.deep.equal([]);
  });

  it("are written again when others are answered, and not for every packet", () => {
    const table = known("opening");
    const found = table.find(ends, carried(0).flow, 0);
    if (found === undefined) throw new Error("The connection is not there.");
    const changes = [table.answeredChanges];
    for (const stage of ["opening", "answered", "answered", "closing"] as const) {
      table.goOn(found.connection, stage, 0);
      changes.push(table.answeredChanges);
    }
    expect(changes).to.deep.equal([0, 0, 1, 1, 2]);
  });
});
