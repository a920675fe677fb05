/**
 * nodes/metrics/README.md against the code, in both directions: every metric with its kind, its labels and
 * its meaning, and every metric that an example of an alert names.
 */
import { expect } from "chai";
import { parse } from "yaml";
import { definitions } from "../actors/runtime/metrics.ts";
import { promtoolMissing, rulesFindings } from "./support/promtool.ts";
import { skip } from "./support/services.ts";
import { read, table } from "./tidy/document-text.ts";

const path = "nodes/metrics/README.md";

/** The values of a label, as the table has them. */
const labelText = (name: string, values: readonly string[] | { readonly most: number }): string =>
  "most" in values ? `\`${name}\`` : `\`${name}\`: ${values.join(", ")}`;

const examples = [...read(path).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(([, text = ""]) => text);

describe("nodes/metrics/README.md", () => {
  it("lists every metric with its kind, labels and meaning, in the order of the page, and only those", () => {
    const known = [...definitions].map(([name, { kind, labels, help }]) => {
      const told = Object.entries(labels).map(([label, values]) => labelText(label, values));
      return [`\`${name}\``, kind, told.join("; "), help];
    });
    expect(table(path, "metrics")).to.deep.equal(known);
  });

  it("names in its examples only metrics and labels that there are", () => {
    const text = examples.join("");
    const named = text.match(/\b(?:novact|process)_[a-z0-9_]+/g) ?? [];
    const base = (name: string) => name.replace(/_(?:bucket|sum|count)$/, "");
    expect(named).to.not.be.empty;
    expect(named.filter((name) => !definitions.has(name) && !definitions.has(base(name)))).to.deep.equal([]);
    const lost = [...text.matchAll(/\b((?:novact|process)_[a-z0-9_]+)\{([^}]*)\}/g)].flatMap(
      ([, name = "", selector = ""]) => {
        const labels = { process: [], thread: [], ...definitions.get(name)?.labels };
        return [...selector.matchAll(/([a-z]+)[=!~]+/g)].filter(([, label = ""]) => !(label in labels));
      },
    );
    expect(lost).to.deep.equal([]);
  });

  it("has three alerts that Prometheus's own tool takes", function () {
    const rules = examples.filter((one) => one.includes("alert:"));
    const { groups } = parse(rules.join("")) as {
      readonly groups: readonly { readonly rules: readonly unknown[] }[];
    };
    expect(groups.flatMap((group) => group.rules)).to.have.length(3);
    if (promtoolMissing !== undefined) return skip(this, promtoolMissing);
    expect(rulesFindings(rules.join(""))).to.equal("");
    expect(rulesFindings(rules.join("").replace("max by", "most by")), "it can complain").to.not.equal("");
  });
});
