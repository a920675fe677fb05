/** V7 by value: bytes that were neither recorded nor named, lost acknowledged bytes, unfit images. */
import { expect } from "chai";
import type { Fact } from "../../../actors/promises/facts.ts";
import type { UploadsAtRest } from "../../../actors/promises/image-facts.ts";
import {
  imagesAsTheyWereRecorded,
  unfitUploads,
} from "../../../actors/promises/v07-images-as-they-were-recorded.ts";
import type { Commit } from "../../../actors/records/commit.ts";
import { image } from "../../../protocol/image.ts";

const found = (...facts: readonly Fact[]) => {
  const checker = imagesAsTheyWereRecorded();
  return facts.flatMap((fact) => checker.see(fact));
};

let calls = 0;
/** The client asked, and was answered later. */
function asked(
  method: string,
  request: Readonly<Record<string, unknown>>,
  answer: Readonly<Record<string, unknown>> = {},
  atMs = 2,
): readonly Fact[] {
  calls += 1;
  const call = calls;
  const from = { client: "u1", project: "demo", method, id: "one", requestId: `r${call}`, request };
  return [
    { kind: "invoked", atMs, call, ...from },
    { kind: "completed", atMs: atMs + 1, call, outcome: "ok", answer },
  ];
}
const written = (nextOffset: number, atMs = 2) => asked("image.write", {}, { nextOffset }, atMs);
const goesOnAt = (nextOffset: number, atMs = 2) =>
  asked("image.upload", {}, { upload: { nextOffset } }, atMs);
const completed = (sha256?: string) => asked("image.complete", sha256 === undefined ? {} : { sha256 });

function row(state: string, holder: string | null, sha256?: string): Fact {
  const disk = sha256 === undefined ? null : { sha256 };
  const changed = { id: "one", state, holder, disk, checksums: disk };
  const rows: object[] = [{ resource: image, changed }];
  const commit = { rows } as Commit;
  return { kind: "committed", atMs: 1, by: "c1", commit, result: { kind: "committed", lastSequence: 1 } };
}
const saving = row("saving", "s1");
const stored = (sha256: string, digest = sha256): Fact => ({
  ...{ kind: "imageStored", atMs: 1, by: "s1", sha256, digest },
});
const served = (sha256: string, digest: string): Fact => ({
  ...{ kind: "imageServed", atMs: 1, to: "h1", sha256, digest },
});

describe("V7: images are served as they were recorded", () => {
  it("holds where what was named was kept, recorded and served", () => {
    const active = row("active", "s1", "a");
    expect(found(saving, ...completed("a"), stored("a"), active, served("a", "a"))).to.deep.equal([]);
    expect(found(saving, ...completed("b"), ...completed("a"), stored("a"), active)).to.deep.equal([]);
    expect(found(saving, ...completed("b"), ...completed(), stored("a"), active)).to.deep.equal([]);
  });

  it("is broken where other bytes are kept, recorded or served", () => {
    expect(found(stored("a", "b"))).to.have.length(1);
    expect(found(served("a", "b"))).to.have.length(1);
    const refused = (reason: string): Fact => ({ kind: "imageRefused", atMs: 1, imageId: "one", reason });
    expect(found(refused("checksumMismatch"))).to.have.length(1);
    expect(found(refused("imageElsewhere"))).to.deep.equal([]);
    expect(found(saving, ...completed("a"), row("active", "s1", "a"))).to.have.length(1);
    expect(found(saving, ...completed("b"), stored("a"), row("active", "s1", "a"))).to.have.length(1);
  });

  it("is broken where what was acknowledged is gone, unless it was given up, lost, or asked for before", () => {
    const refused = row("queued", "s1");
    expect(found(saving, ...written(8), refused, ...goesOnAt(8, 5))).to.deep.equal([]);
    expect(found(saving, ...written(8), refused, ...goesOnAt(0, 5))).to.have.length(1);
    expect(found(saving, ...written(8), ...written(4, 5))).to.have.length(1);
    expect(found(saving, ...written(8), row("queued", null), saving, ...goesOnAt(0, 5))).to.deep.equal([]);
    const lost: Fact = { kind: "partsLost", atMs: 4, by: "s1" };
    expect(found(saving, ...written(8), lost, ...goesOnAt(0, 5))).to.deep.equal([]);
    expect(found(saving, ...written(8), { ...lost, by: "s2" }, ...goesOnAt(0, 5))).to.have.length(1);
    const taken: Fact = { kind: "bytesTaken", atMs: 3, imageId: "one", nextOffset: 8, askedAtMs: 2 };
    expect(found(saving, taken, ...goesOnAt(0, 5))).to.have.length(1);
    expect(found(saving, { ...taken, askedAtMs: 1 }, ...goesOnAt(0, 5))).to.deep.equal([]);
    const [invoked, answered] = goesOnAt(0);
    const overtaken = [invoked, ...written(8), answered].flatMap((fact) => fact ?? []);
    expect(found(saving, ...overtaken)).to.deep.equal([]);
  });

  it("is broken when all is quiet by what is being verified, waits for nothing, or is left over", () => {
    const at = (state: UploadsAtRest["images"][number]["state"], holder: string | null, by?: string) =>
      unfitUploads({
        images: [{ id: "one", state, holder }],
        parts: by === undefined ? [] : [{ by, imageId: "one", sizeBytes: 8 }],
      });
    expect([...at("queued", null), ...at("saving", "s1", "s1"), ...at("queued", "s1", "s1")]).to.deep.equal(
      [],
    );
    expect([...at("active", "s1"), ...at("deactivated", null)]).to.deep.equal([]);
    expect(at("importing", "s1", "s1")).to.have.length(1);
    expect(at("saving", "s1")).to.have.length(1);
    expect(at("saving", null)).to.have.length(1);
    expect(at("queued", "s1")).to.have.length(1);
    expect(at("saving", "s1", "s2")).to.have.length(2);
    expect(at("active", "s1", "s1")).to.have.length(1);
    expect(unfitUploads({ images: [], parts: [{ by: "s1", imageId: "one", sizeBytes: 0 }] })).to.have.length(
      1,
    );
  });
});
