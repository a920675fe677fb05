/** What the distribution's builder decides: archives, arguments, partitions, and whether an image is one. */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { findDistribution, stampOfDistribution } from "../../../nodes/setup/distribution/build.ts";
import { loaderConfig, partitions, rootLabel } from "../../../nodes/setup/distribution/disk.ts";
import { archivesIn, bootstrapArguments, packages } from "../../../nodes/setup/distribution/packages.ts";
import { masterBootRecord } from "../../../nodes/setup/guest/disk.ts";
import { setupLimits } from "../../../nodes/setup/limits.ts";

const listed = [
  "Debian|Debian|bookworm|12.15|http://deb.debian.org/debian/|main|amd64",
  "Debian|Debian|bookworm|12.15|http://deb.debian.org/debian/|contrib|amd64",
  "Debian|Debian|bookworm-updates|12-updates|http://deb.debian.org/debian/|main|amd64",
  "Debian|Debian-Security|bookworm-security|12|http://deb.debian.org/debian-security/|main|amd64",
  "Debian|Debian|trixie|13.1|http://deb.debian.org/debian/|main|amd64",
  "nodesource|nodesource|nodistro||https://deb.nodesource.com/node_20.x/|main|amd64",
  "Debian|Debian|bookworm|12.15|copy:/somewhere/|main|amd64",
];

describe("the distribution's builder", () => {
  it("takes Debian's archives of the release that the computer has, and no others", () => {
    expect(archivesIn(listed.join("\n"))).to.deep.equal({
      suite: "bookworm",
      version: "12",
      lines: [
        "deb http://deb.debian.org/debian/ bookworm main",
        "deb http://deb.debian.org/debian/ bookworm-updates main",
        "deb http://deb.debian.org/debian-security/ bookworm-security main",
      ],
    });
    expect(archivesIn("")).to.equal(undefined);
    expect(archivesIn("Ubuntu|Ubuntu|noble|24.04|http://archive.ubuntu.com/ubuntu/|main|amd64")).to.equal(
      undefined,
    );
  });

  it("names the packages, the release, the file and the archives to mmdebstrap, in this order", () => {
    const archives = { suite: "bookworm", version: "12", lines: ["deb http://a bookworm main"] };
    const argv = bootstrapArguments(archives, "/tmp/tree.tar");
    expect(argv.slice(-3)).to.deep.equal(["bookworm", "/tmp/tree.tar", "deb http://a bookworm main"]);
    expect(argv).to.include(`--include=${packages.join(",")}`);
    expect(packages).to.include.members(["cloud-init", "openssh-server"]);
  });

  it("has the root partition last and the disk full, so that a guest can grow it", () => {
    const [boot, root] = partitions;
    expect(boot.start + boot.length).to.equal(root.start);
    expect(root.start + root.length).to.equal(setupLimits.distributionDiskMib * 1024 * 1024);
    const record = masterBootRecord(Buffer.alloc(440), partitions);
    expect([record[446], record[450], record[466]]).to.deep.equal([0x80, 0x0e, 0x83]);
    expect(loaderConfig).to.include(`root=LABEL=${rootLabel} ro`).and.include("console=ttyS0");
  });

  it("finds an image that is whole and of these sources, and no other", () => {
    const directory = mkdtempSync(join(tmpdir(), "novact-distribution-"));
    try {
      const file = "debian-12-amd64.qcow2";
      const sha256 = createHash("sha256").update("disk").digest("hex");
      const whole = { file, format: "qcow2", version: "12", kernel: "6.1", sha256, sizeBytes: 4 };
      const found = (manifest: unknown) => {
        writeFileSync(join(directory, "manifest.json"), JSON.stringify(manifest));
        return findDistribution(directory);
      };
      writeFileSync(join(directory, file), "disk");
      const stamp = stampOfDistribution();
      expect(found({ ...whole, stamp })).to.deep.include({
        sha256,
        sizeBytes: 4,
        disk: join(directory, file),
      });
      for (const other of [
        {},
        { stamp: "x" },
        { stamp, sizeBytes: 5 },
        { stamp, file: "gone" },
        { stamp, file: 5 },
      ])
        expect(found({ ...whole, ...other }), JSON.stringify(other)).to.equal(undefined);
      for (const other of [null, [], 5, "x"]) expect(found(other)).to.equal(undefined);
      expect(findDistribution(join(directory, "none"))).to.equal(undefined);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
