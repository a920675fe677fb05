/** By which programs, and with which limits, QEMU is started: by value. */
import { expect } from "chai";
import { type LaunchOptions, launchOf } from "../../../nodes/drivers/qemu/launcher.ts";
import { machineSpec } from "../../support/driver-world.ts";

const gib = 1024 ** 3;
const qemu = { command: "qemu", argv: ["-S"] };

function launch(given: Partial<LaunchOptions> = {}): readonly string[] {
  const user = { uid: 5, gid: 6 };
  const { command, argv } = launchOf(
    { user, groups: [], network: undefined, spec: machineSpec({ diskGib: 0 }), ...given },
    qemu,
  );
  return [command, ...argv];
}

const limit = (argv: readonly string[], name: string) =>
  argv.find((one) => one.startsWith(`--${name}=`))?.split("=")[1];

describe("the launch of QEMU", () => {
  it("drops user, groups and capabilities, and can gain none again", () => {
    const argv = launch();
    expect(argv).to.include.members(["--reuid=5", "--regid=6", "--clear-groups", "--no-new-privs"]);
    expect(argv.slice(-2)).to.deep.equal(["qemu", "-S"]);
  });

  it("keeps exactly the groups that it needs", () => {
    expect(launch({ groups: [104, 105] })).to.include("--groups=104,105");
  });

  it("changes no user when it may not", () => {
    const argv = launch({ user: undefined });
    expect(argv.slice(argv.indexOf("setpriv"))).to.deep.equal(["setpriv", "--no-new-privs", "qemu", "-S"]);
  });

  it("enters the network of the guests first, while it is root", () => {
    expect(launch({ network: "/proc/7/fd/9" }).slice(0, 3)).to.deep.equal([
      "nsenter",
      "--net=/proc/7/fd/9",
      "prlimit",
    ]);
    expect(launch()[0]).to.equal("prlimit");
  });

  it("bounds core, files and threads, and has no hard limit above the soft one", () => {
    const argv = launch({ spec: machineSpec({ vcpus: 4, diskGib: 0, memoryMib: 512 }) });
    expect(["core", "nofile", "nproc", "fsize"].map((name) => limit(argv, name))).to.deep.equal([
      "0:0",
      "1024:1024",
      "148:148",
      `${16 * gib}:${16 * gib}`,
    ]);
  });

  it("lets a file become as large as the guest's disk with its tables, or its memory", () => {
    const bytesOf = (given: Parameters<typeof machineSpec>[0]) =>
      Number(limit(launch({ spec: machineSpec(given) }), "fsize")?.split(":")[0]);
    expect(bytesOf({ diskGib: 100 })).to.be.within(100.5 * gib, 102 * gib);
    expect(bytesOf({ diskGib: 0, memoryMib: 32_768 })).to.equal(32 * gib);
    expect(bytesOf({ diskGib: 1, ephemeralGib: 40, swapMib: 512 })).to.equal(40 * gib);
    expect(bytesOf({ diskGib: 1, swapMib: 24_576 })).to.equal(24 * gib);
    expect(bytesOf({ diskGib: 1 }), "a console's log").to.equal(16 * gib);
    const volume = { volumeId: "v", epoch: 1, place: 0, storageId: null, made: true, source: null };
    expect(bytesOf({ diskGib: 1, volumes: [{ ...volume, sizeBytes: 500 * gib }] })).to.equal(500 * gib);
    for (const given of [{ user: undefined }, { raisesLimits: false }]) {
      const other = launch({ ...given, spec: machineSpec({ diskGib: 1 }) });
      expect(limit(other, "fsize"), "which nobody can raise").to.equal(`${65_536 * gib}:${65_536 * gib}`);
    }
  });

  it("counts no threads of a user that is not the guest's own", () => {
    expect(limit(launch({ user: undefined }), "nproc")).to.equal(undefined);
    expect(limit(launch({ user: { uid: 65_534, gid: 65_534 } }), "nproc")).to.equal(undefined);
  });

  it("ends with the agent only when it is told to", () => {
    expect(launch({ endsWithAgent: true })).to.include("--pdeathsig=KILL");
    expect(launch()).to.not.include("--pdeathsig=KILL");
  });
});
