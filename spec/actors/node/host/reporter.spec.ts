/** The agent's log about reports that reach no controller, and about refused ones. */
import { expect } from "chai";
import { Ledger } from "../../../../actors/node/host/ledger.ts";
import type { ReportEvent } from "../../../../actors/node/host/messages.ts";
import { Reporter } from "../../../../actors/node/host/reporter.ts";
import type { HostInventory } from "../../../../protocol/machine.ts";
import type { OfferedVolumeStorage, VolumeStorageState } from "../../../../protocol/volume-storage.ts";
import type { Reason } from "../../../../protocol/wire/reasons.ts";
import { StatusError } from "../../../../protocol/wire/status.ts";
import { networkedDrivers } from "../../../support/host-drivers.ts";
import { inventory } from "../../../support/host-world.ts";
import { SimulatedClock } from "../../../support/simulated-clock.ts";
import { type Noted, rememberingLog } from "../../../support/wire-world.ts";

describe("host: reporter", () => {
  let noted: Noted[];
  let answer: Reason | undefined;
  let clock: SimulatedClock;
  let reporter: Reporter;

  let events: ReportEvent[];
  let registered: unknown[];
  let heartbeats: object[];
  const imagePeer = {
    has: [],
    sending: 1,
    sentBytes: 2,
    fromPeersBytes: 3,
    fromControllersBytes: 4,
    lies: 0,
  };
  let storages: {
    states: VolumeStorageState[];
    offered: OfferedVolumeStorage[] | undefined;
    looked: Promise<void>;
  };

  beforeEach(() => {
    [events, registered, heartbeats] = [[], [], []];
    storages = { states: [], offered: undefined, looked: Promise.resolve() };
    [noted, clock] = [[], new SimulatedClock()];
    const reply = async <A>(ok: A): Promise<A> => {
      if (answer !== undefined) throw new StatusError(answer, "It says so.");
      return ok;
    };
    const reports = {
      register: ({ inventory: told }: { readonly inventory: HostInventory }) => {
        registered.push(told.drivers?.volumeStorages);
        return reply({ accepted: true });
      },
      heartbeat: (said: object) => {
        heartbeats.push(said);
        return reply({ known: true, stored: [] });
      },
      lease: () => reply({ leaseEpoch: 1, held: true }),
      guarded: () => reply({}),
      networkPull: () => reply({ version: 0, networks: [], groups: [] }),
      imageTicket: () => reply({ origins: [] }),
    };
    const options = {
      inventory: { ...inventory, drivers: { ...networkedDrivers(), volumes: "nfs" } },
      knows: [],
      reports,
      ledger: new Ledger(),
      clock,
      log: rememberingLog(noted),
    };
    const imageGiving = { told: () => imagePeer };
    const rest = {
      leaseEpoch: () => 0,
      registered: () => undefined,
      spaces: () => [],
      storages,
      imageGiving,
    };
    reporter = new Reporter({ ...options, ...rest }, new AbortController().signal, (event) =>
      events.push(event),
    );
  });
  const times = async (count: number, kind: "register" | "heartbeat") => {
    for (let done = 0; done < count; done += 1) {
      reporter.run(kind === "register" ? { kind } : { kind, complete: true, stopping: false });
      await clock.settle();
    }
  };
  const lines = () => noted.map(({ level, message, fields }) => `${level} ${fields.reason} ${message}`);

  it("logs a refusal once, as an error, until another one or an answer comes", async () => {
    answer = "hostNameTaken";
    await times(5, "register");
    answer = "schemaMismatch";
    await times(5, "register");
    expect(lines()).to.deep.equal([
      "error hostNameTaken Registering is refused by the controllers.",
      "error schemaMismatch Registering is refused by the controllers.",
    ]);
    answer = undefined;
    await times(1, "register");
    answer = "schemaMismatch";
    await times(3, "register");
    expect(lines().slice(-2)).to.deep.equal([
      "info undefined The host has registered.",
      "error schemaMismatch Registering is refused by the controllers.",
    ]);
  });

  it("logs the refusal of a heartbeat once, and each that reached nobody", async () => {
    answer = "bodyTooLarge";
    await times(5, "heartbeat");
    answer = "noResponders";
    await times(2, "heartbeat");
    expect(lines()).to.deep.equal([
      "error bodyTooLarge A heartbeat is refused by the controllers.",
      "warn noResponders A heartbeat reached no controller; it is tried again.",
      "warn noResponders A heartbeat reached no controller; it is tried again.",
    ]);
  });

  it("tells with each heartbeat what the host gives of its images", async () => {
    answer = undefined;
    await times(1, "heartbeat");
    expect(heartbeats[0]).to.deep.include({ imagePeer });
  });

  it("has the host register again when storages of volumes have answered, and when one has changed", async () => {
    answer = undefined;
    const known = async () => {
      await times(1, "heartbeat");
      const last = events.at(-1);
      return last?.kind === "answered" && last.known;
    };
    await times(1, "register");
    expect([registered, await known()]).to.deep.equal([[undefined], true]);
    const nfs = { id: "nfs-1", kind: "nfs", sizeGib: 10 };
    storages.offered = [nfs];
    expect(await known()).to.equal(false);
    await times(1, "register");
    expect([registered.at(-1), await known()]).to.deep.equal([[nfs], true]);
    storages.offered = [];
    expect(await known()).to.equal(false);
    await times(1, "register");
    expect(registered.at(-1)).to.deep.equal([]);
  });
});
