/** Full file systems are findings, of hosts and of the controllers. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import { healthy } from "./worlds.ts";

const space = (of: string, freeMib: number, full: boolean) => ({ of, freeMib, totalMib: 900, full });

describe("doctor: full file systems", () => {
  it("names the host, and what has to be free there", () => {
    const { input, audit } = healthy();
    const spaces = [space("state directory", 2, true), space("shared directory", 500, false)];
    const answers = [{ hostId: "h1", audit: { ...audit, space: spaces } }];
    expect(compare({ ...input, answers }).findings).to.deep.equal([
      {
        kind: "stuck",
        subject: "host one",
        message: "The file system of the state directory is full: no new guest is made there.",
        next: "Free space there: 2 of 900 MiB are free, 141 are needed.",
      },
    ]);
  });

  it("names the controllers' own, and finds nothing where there is room", () => {
    const { input } = healthy();
    const finding = compare({ ...input, spaces: [space("database", 0, true)] }).findings.at(0);
    expect(finding).to.deep.include({ kind: "stuck", subject: "controllers" });
    expect(compare({ ...input, spaces: [space("database", 300, false)] }).findings).to.deep.equal([]);
  });
});
