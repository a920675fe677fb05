/** Which images a host is given tickets for: those of its own instances, whatever it asks for. */
import { expect } from "chai";
import { offerImage } from "../../../../actors/control/catalog/image-offers.ts";
import { catalogLimits } from "../../../../actors/control/catalog/limits.ts";
import type { TicketFacts } from "../../../../actors/ports/image-bytes.ts";
import type { InstanceRecord } from "../../../../actors/records/instance.ts";
import { instance, wallMs } from "../../../support/store-rows.ts";

const [disk, kernel, other] = ["a", "b", "c"].map((digit) => digit.repeat(64));
const files = {
  disk: { sha256: disk ?? "", sizeBytes: 9, format: "raw", virtualSizeBytes: 9 },
  kernel: { sha256: kernel ?? "", sizeBytes: 9 },
  ramdisk: null,
} as const;

describe("images that hosts may have", () => {
  let row: InstanceRecord | undefined;
  let issued: TicketFacts[];
  beforeEach(() => {
    const plain = instance("one", { hostId: "h1" });
    row = { ...plain, image: { ...plain.image, ...files } };
    givers = [];
    issued = [];
  });
  /** The hosts that give it. */
  let givers: readonly { readonly hostId: string; readonly url: string; readonly ticket: string }[] = [];
  const asked = (
    sha256: string | undefined,
    hostId = "h1",
    serves = true,
    peers?: { readonly notFrom: readonly string[] },
  ) => {
    const servers = ["c1", "c2"].map((server) => ({ server, url: `http://${server}:1` }));
    const hosts = {
      areThere: () => givers.length > 0,
      offers: async (question: object) => {
        expect(question).to.deep.equal({ sha256, hostId, notFrom: ["h9"] });
        return givers;
      },
    };
    const tickets = {
      issue: (facts: TicketFacts) => {
        issued.push(facts);
        return `ticket-${issued.length}`;
      },
    };
    return offerImage(
      { hostId, instanceId: "one", sha256: sha256 ?? "", peers },
      {
        store: { instances: { get: async () => row && { instance: row, machine: undefined } } },
        clock: { nowMs: () => wallMs },
        images: serves ? { tickets, servers: () => servers, peers: hosts } : undefined,
      },
    );
  };
  const changed = (changes: Partial<InstanceRecord>) => {
    if (row !== undefined) row = { ...row, ...changes };
  };

  it("are the files of its instances, from every server, each with a ticket for that server alone", async () => {
    expect(await asked(disk)).to.deep.equal({
      origins: [
        { url: "http://c1:1", ticket: "ticket-1" },
        { url: "http://c2:1", ticket: "ticket-2" },
      ],
    });
    const about = { verb: "fetch", of: disk, who: "h1", expiresAtMs: wallMs + catalogLimits.imageTicketMs };
    expect(issued).to.deep.equal([
      { server: "c1", ...about },
      { server: "c2", ...about },
    ]);
    expect((await asked(kernel))?.origins).to.have.length(2);
  });

  it("are first those that other hosts give, and controllers give each to a few at once then", async () => {
    givers = [{ hostId: "h2", url: "http://h2:1", ticket: "its-own" }];
    const shared = await asked(disk, "h1", true, { notFrom: ["h9"] });
    expect(shared?.origins).to.deep.equal([
      { hostId: "h2", url: "http://h2:1", ticket: "its-own" },
      { url: "http://c1:1", ticket: "ticket-1" },
      { url: "http://c2:1", ticket: "ticket-2" },
    ]);
    const { hostFetchesAtOnceMax } = catalogLimits;
    expect(issued.map(({ atOnceMax }) => atOnceMax)).to.deep.equal([
      hostFetchesAtOnceMax,
      hostFetchesAtOnceMax,
    ]);
  });

  it("are those of controllers alone, without a bound, for a host that knows no others, or where there are none", async () => {
    givers = [{ hostId: "h2", url: "http://h2:1", ticket: "its-own" }];
    expect((await asked(disk))?.origins).to.have.length(2);
    givers = [];
    expect((await asked(disk, "h1", true, { notFrom: ["h9"] }))?.origins).to.have.length(2);
    expect(issued.filter((facts) => "atOnceMax" in facts)).to.deep.equal([]);
    givers = [{ hostId: "h2", url: "http://h2:1", ticket: "its-own" }];
    // What a host may not have no other host is asked for.
    expect(await asked(other, "h1", true, { notFrom: ["h9"] })).to.equal(null);
  });

  it("are those of which volumes of its instances are to be made, until they are", async () => {
    const source = {
      kind: "image",
      image: { id: "i", name: "i", disk: { ...files.disk, sha256: other ?? "" } },
    };
    const about = { volumeId: "v", project: "demo", epoch: 1, place: 0, sizeGib: 1, storageId: null };
    const volume = { ...about, hostId: "h1", source, deleteOnTermination: false } as const;
    changed({ volumes: [{ ...volume, made: false }] as InstanceRecord["volumes"] });
    expect((await asked(other))?.origins).to.have.length(2);
    changed({ volumes: [{ ...volume, made: true }] as InstanceRecord["volumes"] });
    expect(await asked(other)).to.equal(null);
  });

  it("are no others: of another host's instance, of another image, of one that is deleted or is not there", async () => {
    expect(await asked(other)).to.equal(null);
    expect(await asked(disk, "h2")).to.equal(null);
    changed({ hostId: null });
    expect(await asked(disk)).to.equal(null);
    changed({ hostId: "h1", desired: "deleted" });
    expect(await asked(disk)).to.equal(null);
    changed({ desired: "running", deletedAtMs: wallMs });
    expect(await asked(disk)).to.equal(null);
    row = undefined;
    expect(await asked(disk)).to.equal(null);
    expect(issued).to.deep.equal([]);
  });

  it("come from nowhere where no controller gives images", async () => {
    expect(await asked(disk, "h1", false)).to.deep.equal({ origins: [] });
  });
});
