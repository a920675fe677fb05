/** However many volumes a storage has: what is done with one of them looks at no other. */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import { expect } from "chai";
import { VolumeDirectory } from "../../../../nodes/drivers/volumes/directory.ts";
import { temporaryDirectory } from "../../../support/driver-world.ts";

const mib = 1024 ** 2;
const looks = ["readdirSync", "opendirSync", "statSync", "lstatSync", "accessSync"] as const;

/** Names of the files that are looked at meanwhile. */
function lookedAt(work: () => void): readonly string[] {
  const real = Object.fromEntries(looks.map((name) => [name, fs[name]]));
  const paths: string[] = [];
  for (const name of looks)
    Object.assign(fs, {
      [name]: (...given: readonly unknown[]) => {
        paths.push(String(given[0]));
        return (real[name] as (...given: readonly unknown[]) => unknown)(...given);
      },
    });
  syncBuiltinESMExports();
  try {
    work();
  } finally {
    Object.assign(fs, real);
    syncBuiltinESMExports();
  }
  return paths;
}

describe("a volume among many", () => {
  let root: string;
  let remove: () => Promise<void>;
  let volumes: VolumeDirectory;
  beforeEach(async () => {
    ({ path: root, remove } = await temporaryDirectory());
    fs.mkdirSync(join(root, "volumes"));
    volumes = new VolumeDirectory(root, 1);
  });
  afterEach(() => remove());

  const make = (volumeId: string) => {
    const wanted = { volumeId, epoch: 1, sizeBytes: mib };
    const begun = volumes.begin("host", wanted);
    if (begun !== undefined) volumes.finish(begun.part, wanted);
  };
  const use = (epoch: number, instanceId = "own") => ({
    ...{ instanceId, ownerEpoch: epoch, epoch, takesOver: true, mode: "readWrite" as const },
  });
  const wholeLife = () => {
    make("v1");
    volumes.open("v1", use(1), "host");
    volumes.extend("v1", 1, 2 * mib);
    volumes.open("v1", use(2), "host");
    volumes.uses("host");
    volumes.releaseOthers("host", { instanceId: "own", ownerEpoch: 2, volumes: [] });
    volumes.open("v1", use(2), "host");
    volumes.release("host", { instanceId: "own", what: "volume v1 of epoch 2" });
    volumes.remove("v1", 2);
  };

  it("is found by its name: nothing is looked at for the others, not even their names", () => {
    const alone = lookedAt(wholeLife).length;
    for (const one of ["a", "b", "c"]) {
      make(one);
      volumes.open(one, use(1, `of-${one}`), "another-host");
    }
    const looked = lookedAt(wholeLife);
    expect(looked).not.to.include(join(root, "volumes"));
    expect(looked.filter((path) => /volumes\/[abc]\b/.test(path))).to.deep.equal([]);
    expect(looked.length).to.equal(alone);
  });

  it("is one of a page, in the order of their ids, and each is on one page", () => {
    for (const one of ["b", "a", "d", "c", "e"]) make(one);
    const ids = (after?: string) => {
      const page = volumes.page(after, 2);
      return [page.volumes.map(({ volumeId }) => volumeId), page.next];
    };
    expect(ids()).to.deep.equal([["a", "b"], "b"]);
    expect(ids("b")).to.deep.equal([["c", "d"], "d"]);
    expect(ids("d")).to.deep.equal([["e"], undefined]);
    expect(ids("e")).to.deep.equal([[], undefined]);
    expect(ids("aa"), "after one that is gone").to.deep.equal([["b", "c"], "c"]);
  });
});
