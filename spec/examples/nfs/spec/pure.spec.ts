/** What is decided by value: bytes on the wire, names and groups, command lines of bridges. */
import { expect } from "chai";
import { StatusError } from "novact/plugin";
import { type Bridge, isOutgrown, isReplaced } from "../src/bridges.ts";
import { begunBytesIn, bridgeArguments, bridgeIn, isConnected, recordOf } from "../src/daemon-line.ts";
import { endedEarly } from "../src/daemons.ts";
import { inOrder, keptOf } from "../src/kept.ts";
import { nfsLimits } from "../src/limits.ts";
import { groupOf, isOfHost, nameOf, openedIn, openedName, partOf, volumeIn } from "../src/names.ts";
import { toldOf } from "../src/refusals.ts";
import { message, Records, record } from "../src/rpc.ts";
import { refusalOf } from "../src/statuses.ts";
import { WireError, XdrReader, XdrWriter } from "../src/xdr.ts";

const reasonOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return error instanceof StatusError ? error.reason : String(error);
  }
  return "nothing";
};

describe("bytes of the wire", () => {
  it("are read as they were written, each filled up to four", () => {
    const bytes = new XdrWriter()
      .uint32(7)
      .uint64(2n ** 40n)
      .text("abcde")
      .opaque(Buffer.from("x"))
      .bytes();
    expect(bytes.length).to.equal(4 + 8 + 12 + 8);
    const reader = new XdrReader(bytes);
    expect([reader.uint32(), reader.size(), reader.text(255), reader.opaque(4).toString()]).to.deep.equal([
      ...[7, 2 ** 40, "abcde", "x"],
    ]);
    expect(() => reader.uint32()).to.throw(WireError);
  });

  it("are never believed to be longer than they are, or larger than a number", () => {
    const long = new XdrWriter().uint32(0xffff_ffff).bytes();
    expect(() => new XdrReader(long).opaque(64)).to.throw(WireError);
    expect(() => new XdrReader(long).opaque(2 ** 32)).to.throw(WireError);
    const large = new XdrWriter().uint64(2n ** 63n).bytes();
    expect(() => new XdrReader(large).size()).to.throw(WireError);
  });

  it("are messages again, however the stream is cut, also one of several fragments", () => {
    const [one, two] = [Buffer.from("one!"), Buffer.from("the second one, ")];
    const half = new XdrWriter().uint32(8).bytes();
    const stream = Buffer.concat([record(one), half, two.subarray(0, 8), record(two.subarray(8))]);
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const records = new Records();
      const found = [...records.add(stream.subarray(0, cut)), ...records.add(stream.subarray(cut))];
      expect(found.map(String), `cut at ${cut}`).to.deep.equal([String(one), String(two)]);
    }
    const endless = new XdrWriter().uint32(nfsLimits.answerBytesMax + 1).bytes();
    expect(() => new Records().add(endless)).to.throw(WireError);
  });

  it("say as whom a call is made", () => {
    const call = { program: 1, version: 2, procedure: 3, as: { uid: 900, gid: 901 } };
    const reader = new XdrReader(message(9, call));
    const head = Array.from({ length: 7 }, () => reader.uint32());
    expect(head).to.deep.equal([9, 0, 2, 1, 2, 3, 1]);
    const words = new XdrReader(reader.opaque(400));
    words.uint32();
    expect([words.text(255), words.uint32(), words.uint32(), words.uint32()]).to.deep.equal([
      ...["novact", 900, 901, 0],
    ]);
  });
});

describe("answers of a server", () => {
  const reasonFor = (status: number) => {
    const told = toldOf(refusalOf("write", status));
    return told instanceof StatusError ? told.reason : String(told);
  };

  it("that are no answers have the same asked again, and the others are final", () => {
    for (const status of [5, 70, 10_001, 10_003, 10_006, 10_008])
      expect(reasonFor(status), `${status}`).to.equal("storageUnknown");
    for (const status of [28, 69]) expect(reasonFor(status), `${status}`).to.equal("diskFull");
    for (const status of [1, 13, 22, 10_004])
      expect(reasonFor(status), `${status}`).to.equal("hypervisorRefused");
  });

  it("say what to look at when the server lets nobody in", () => {
    expect(refusalOf("the mount", 13).message).to.contain("(13)").and.contain("`insecure`");
    expect(refusalOf("rename", 2).message).to.equal("The server refuses rename (2).");
  });

  it("go with those of the host's system, which has room or has not", () => {
    const of = (code: string) => Object.assign(new Error(code), { code, errno: -1, syscall: "mkdir" });
    const reasons = ["ENOSPC", "EDQUOT", "EACCES", "EROFS"].map((code) => {
      const told = toldOf(of(code));
      return told instanceof StatusError ? told.reason : String(told);
    });
    expect(reasons).to.deep.equal(["diskFull", "diskFull", "hypervisorRefused", "hypervisorRefused"]);
    const given = new Error("given up");
    expect(toldOf(given)).to.equal(given);
  });

  it("are not asked for by a bridge that ends at once, unless there is none to run", () => {
    const reasons = [1, null, 126, 127].map((code) => endedEarly(code, "").reason);
    expect(reasons).to.deep.equal([
      ...["storageUnknown", "storageUnknown", "hypervisorRefused", "hypervisorRefused"],
    ]);
  });
});

describe("names on the server", () => {
  it("say what they were made of, and nothing of others", () => {
    const part = partOf("v-1", 3, "host", "0123456789abcdef");
    expect(volumeIn(nameOf("v-1", 3))).to.include({ kind: "whole", volumeId: "v-1", epoch: 3 });
    expect(volumeIn(nameOf("v-1", 3, "removed"))).to.include({ kind: "removed", epoch: 3 });
    expect(volumeIn(part)).to.include({ kind: "part", volumeId: "v-1", epoch: 3 });
    expect([isOfHost(part, "host"), isOfHost(part, "other")]).to.deep.equal([true, false]);
    const opened = { epoch: 3, instanceId: "i-1", ownerEpoch: 4, hostId: "host" };
    expect(openedIn(openedName(opened))).to.deep.equal(opened);
    for (const name of ["storage", "v.e", "v.e1.part", `${part}.part`, "v.r1.0123.part", "open.1.i.2", ".e1"])
      expect([volumeIn(name), openedIn(name)], name).to.deep.equal([undefined, undefined]);
  });

  it("never lead out of the directory", () => {
    for (const id of ["..", "a/b", "", "a.e1", "x".repeat(65)])
      expect(
        reasonOf(() => nameOf(id, 1)),
        id,
      ).to.equal("hypervisorRefused");
    expect(reasonOf(() => nameOf("v", -1))).to.equal("hypervisorRefused");
    const opened = { epoch: 1, instanceId: "i/../..", ownerEpoch: 1, hostId: "host" };
    expect(reasonOf(() => openedName(opened))).to.equal("hypervisorRefused");
  });

  it("go with a group for each epoch, as long as there are groups", () => {
    expect([groupOf(1_000, 1), groupOf(1_000, 2)]).to.deep.equal([1_001, 1_002]);
    expect(reasonOf(() => groupOf(2_000_000_000, 2 ** 31))).to.equal("hypervisorRefused");
  });

  it("are told in order, and what is half made after what is whole", () => {
    const found = [volumeIn("b.e1"), volumeIn("a.r2"), volumeIn("a.e2")].filter((one) => one !== undefined);
    const told = found.map((one) => keptOf(one, { sizeBytes: 1, usedBytes: 0 })).sort(inOrder);
    expect(told.map(({ volumeId, whole }) => [volumeId, whole])).to.deep.equal([
      ...[
        ["a", true],
        ["a", false],
        ["b", true],
      ],
    ]);
  });
});

describe("bridges", () => {
  const bridge: Bridge = {
    ...{ volumeId: "v1", epoch: 2, instanceId: "i1", ownerEpoch: 1, mode: "readOnly" },
  };
  const place = { server: "192.0.2.1", path: "/srv/volumes/", writerUid: 65_534, firstGroup: 1_000 };

  it("reach the volume of their epoch, as its writer, and offer it under no name", () => {
    const line = bridgeArguments(bridge, place, "/s/nbd");
    const [node, server, offer] = [1, 3, 5].map((index) => JSON.parse(line[index] ?? ""));
    expect(node).to.include({ path: "/srv/volumes/v1.e2/data.raw", user: 65_534, group: 1_002 });
    expect(node).to.include({ driver: "nfs", "read-only": true });
    expect(server.addr).to.deep.equal({ type: "unix", path: "/s/nbd" });
    expect(offer).to.include({ type: "nbd", name: "", writable: false, "node-name": node["node-name"] });
  });

  it("are known by their records, and by none that is half written", () => {
    expect(bridgeIn(recordOf(bridge, 7))).to.deep.equal(bridge);
    expect([begunBytesIn(recordOf(bridge, 7)), begunBytesIn("{}"), begunBytesIn("")]).to.deep.equal([
      7, 0, 0,
    ]);
    expect([bridgeIn(""), bridgeIn('{"volumeId')]).to.deep.equal([undefined, undefined]);
  });

  it("begin anew for more bytes than they began with, and for nobody who is connected", () => {
    expect([isOutgrown(7, 8, false), isOutgrown(7, 8, true)]).to.deep.equal([true, false]);
    expect([isOutgrown(8, 8, false), isOutgrown(9, 8, false)]).to.deep.equal([false, false]);
  });

  it("have somebody connected when the kernel says so of their own socket", () => {
    const listening = "ffff: 00000002 00000000 00010000 0001 01 100 /s/nbd";
    const connected = "fffe: 00000003 00000000 00000000 0001 03 101 /s/nbd";
    expect(isConnected(listening, "/s/nbd")).to.equal(false);
    expect(isConnected(`${listening}\n${connected}\n`, "/s/nbd")).to.equal(true);
    expect(isConnected(connected, "/s/other")).to.equal(false);
  });

  it("go for one of a later epoch, life or mode, and for nothing else", () => {
    const gone: readonly (readonly [Partial<Bridge>, boolean])[] = [
      [{}, false],
      [{ epoch: 1 }, true],
      [{ epoch: 3 }, false],
      [{ mode: "readWrite" }, true],
      [{ ownerEpoch: 0 }, true],
      [{ ownerEpoch: 2 }, false],
      [{ instanceId: "i2" }, false],
      [{ volumeId: "v2", epoch: 1 }, false],
    ];
    for (const [given, expected] of gone)
      expect(isReplaced({ ...bridge, ...given }, bridge), JSON.stringify(given)).to.equal(expected);
  });
});
