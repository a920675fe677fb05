/** Every limit of every room has one name, one value, code that it limits, and its place. */
import { expect } from "chai";
import { allLimits } from "../support/all-limits.ts";
import { readSourceTree } from "../tidy/source-tree.ts";

/** Values that are no whole numbers, because they are shares. */
const shares = new Set([
  ...["rebalanceGainMin", "fullBelowShare", "roomAgainShare", "ownMemoryShareMax"],
  ...["newDiskFloorShare", "newDiskWrittenShare", "advisedUsedShare", "volumeStorageNewsShare"],
  ...["cacheShareMax", "cacheFreeShareMin"],
]);
/** What a number of it is, as the last or the first but one word of the name. */
const units =
  /(?:Ms|MsMin|MsMax|MsDefault|Bytes|BytesMax|Mib|MibMin|MibMax|GibMax|Max|Min|Default|Length|Half)$/;
/** Counts that say it by a plural. */
const counts = new Set([
  ...["turnsPerWake", "generationsPerWrite", "bootsPerCpu", "adoptionsAtOnce", "failingHostsShare"],
  ...["spareCpus", "cpuSharesPerVcpu", "cpuWeightPerVcpu"],
  ...["eventPublishWindow", "eventPublishPage", "fullBelowShare", "roomAgainShare"],
  ...["newDiskFloorShare", "newDiskWrittenShare", "advisedUsedShare", "volumeStorageNewsShare"],
  ...["pipeColumns", "newestRows", "requestsAtOnce", "watchPausePerReading"],
  ...["beginningsPerSlice", "applyPausesPerApply", "countPausesPerCount"],
]);

describe("limits", () => {
  it("are found in every room that has some", () => {
    const files = new Set(allLimits.map(({ file }) => file));
    expect(files).to.include("protocol/limits/wire.ts");
    expect(files).to.include("db/postgres/limits.ts");
    expect(files.size).to.be.greaterThan(30);
  });

  it("have one name each, in all rooms together", () => {
    const names = allLimits.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) < index)).to.deep.equal([]);
  });

  it("are positive, and whole but for shares", () => {
    const odd = allLimits.filter(
      ({ name, value }) => !(value > 0 && (Number.isInteger(value) || shares.has(name))),
    );
    expect(odd).to.deep.equal([]);
  });

  it("say by their names what they count", () => {
    const mute = allLimits.filter(({ name }) => !units.test(name) && !counts.has(name));
    expect(mute.map(({ name }) => name)).to.deep.equal([]);
  });

  it("limit something: what is not a test reads each of them", () => {
    const files = readSourceTree().filter(({ path }) => !path.startsWith("spec/"));
    const used = new Set<string>();
    for (const { code } of files)
      for (const [, name = ""] of code.matchAll(/\b[a-z][A-Za-z]*Limits\.([A-Za-z0-9]+)/g)) used.add(name);
    for (const { code } of files)
      for (const [, names = ""] of code.matchAll(/const \{([^}]*)\} = [a-z][A-Za-z]*Limits;/g))
        for (const one of names.split(",")) used.add(one.split(":")[0]?.trim() ?? "");
    expect(allLimits.filter(({ name }) => !used.has(name)).map(({ name }) => name)).to.deep.equal([]);
  });

  it("of one room alone are in that room", () => {
    const users = new Map<string, Set<string>>();
    for (const { path, code } of readSourceTree())
      for (const [, name = ""] of code.matchAll(/\b[a-z][A-Za-z]*Limits\.([A-Za-z0-9]+)/g))
        if (!path.startsWith("spec/")) users.set(name, (users.get(name) ?? new Set()).add(roomOf(path)));
    const astray = allLimits.filter(({ name, file }) => {
      const [room, another] = users.get(name) ?? [];
      return another === undefined && room !== undefined && file.startsWith("protocol/") && !isProtocol(room);
    });
    expect(astray.map(({ name }) => name).filter((name) => !promised.has(name))).to.deep.equal([]);
  });
});

/** One room keeps to it, and the protocol's definitions or its document promise it to clients. */
const promised = new Set([
  ...["headerBytesMax", "createListedMax", "groupMembersListedMax"],
  ...["serverGroupsPerProjectMax"],
  ...["failedBuildsMax", "rebalanceMovesDefault", "membersPerImageMax", "uploadKeptMs"],
]);

const isProtocol = (room: string): boolean => room.startsWith("protocol");

const roomOf = (path: string): string => {
  const [area = "", room = "", inner = ""] = path.split("/");
  return room === "control" || room === "node" || room === "drivers"
    ? `${area}/${room}/${inner}`
    : `${area}/${room}`;
};
