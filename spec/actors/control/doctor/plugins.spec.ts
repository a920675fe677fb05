/** Plug-ins that fail, and processes that have others than the rest. By value. */
import { expect } from "chai";
import { compare } from "../../../../actors/control/doctor/compare.ts";
import type { PluginVersion, Running } from "../../../../protocol/release.ts";
import { healthy } from "./worlds.ts";

const controller = (name: string, plugins?: PluginVersion[]): Running => ({
  ...{ kind: "controller", id: name, name },
  release: { version: "1.0.0", ...(plugins === undefined ? {} : { plugins }) },
});
const acme = { name: "acme", version: "1.0.0" };
const newer = { name: "acme", version: "1.1.0" };
const other = { name: "other", version: "2.0.0" };

const found = (hostHas: PluginVersion[] | undefined, ...controllers: Running[]) => {
  const { input, audit } = healthy();
  const answers = [{ hostId: "h1", audit: hostHas === undefined ? audit : { ...audit, plugins: hostHas } }];
  const { findings } = compare({ ...input, answers, controllers });
  return findings.map(({ kind, subject, message }) => `${kind} ${subject}: ${message}`);
};

describe("doctor: plug-ins", () => {
  it("names hosts and controllers that have another version, or none, or more", () => {
    const controllers = [
      controller("controller-1", [acme]),
      controller("controller-2", [acme]),
      controller("controller-3", [newer]),
      controller("controller-4", []),
    ];
    expect(found([acme, other], ...controllers)).to.deep.equal([
      "drift controller controller-3: It has loaded acme 1.1.0; controller-1, which was asked, has acme 1.0.0.",
      "drift controller controller-4: It has loaded no plug-ins; controller-1, which was asked, has acme 1.0.0.",
      "drift host one: It has loaded acme 1.0.0, other 2.0.0; controller-1, which was asked, has acme 1.0.0.",
    ]);
  });

  it("finds nothing in another order, in processes that do not say, or where nobody has any", () => {
    expect(found([other, acme], controller("controller-1", [acme, other]))).to.deep.equal([]);
    expect(found(undefined, controller("controller-1", [acme]), controller("old"))).to.deep.equal([]);
    expect(found([])).to.deep.equal([]);
    expect(found([], controller("controller-1", []))).to.deep.equal([]);
  });

  it("names parts that have failed, and says what to do", () => {
    const { input } = healthy();
    const [finding] = compare({ ...input, faults: [{ name: "acme.cool", what: "no sensor" }] }).findings;
    expect(finding).to.deep.include({ kind: "drift", subject: "plug-in acme" });
    expect(finding?.message).to.contain("acme.cool has failed when the scheduler asked it: no sensor.");
    expect(finding?.next).to.contain("leave this part out of scheduler");
  });
});
