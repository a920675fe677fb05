/** Connections for metadata that are open at the same time, and who has to go for whom. */
import { expect } from "chai";
import { metadataLimits } from "../../../nodes/metadata/limits.ts";
import { Places } from "../../../nodes/metadata/places.ts";

const { metadataConnectionsPerPortMax, metadataConnectionsMax } = metadataLimits;

describe("the places of connections", () => {
  it("are so many for each port, whose oldest goes for a new one", () => {
    const places = new Places<number>();
    const gone = Array.from({ length: metadataConnectionsPerPortMax + 2 }, (_, index) =>
      places.take("one", index),
    );
    expect(gone.filter((one) => one !== undefined)).to.deep.equal([0, 1]);
    expect(places.count).to.equal(metadataConnectionsPerPortMax);
    expect(places.take("other", 99)).to.equal(undefined);
  });

  it("are so many in all, and the port with most of them makes room", () => {
    const places = new Places<string>();
    for (let index = 0; index < metadataConnectionsPerPortMax; index += 1)
      places.take("much", `much-${index}`);
    for (let index = metadataConnectionsPerPortMax; index < metadataConnectionsMax; index += 1)
      expect(places.take(`port-${index}`, "only")).to.equal(undefined);
    expect(places.take("late", "first")).to.equal("much-0");
    expect(places.take("late", "second")).to.equal("much-1");
    expect(places.count).to.equal(metadataConnectionsMax);
  });

  it("are free again when a connection leaves, once", () => {
    const places = new Places<string>();
    places.take("one", "a");
    for (const _ of ["once", "twice"]) places.leave("one", "a");
    places.leave("other", "a");
    expect(places.count).to.equal(0);
  });
});
