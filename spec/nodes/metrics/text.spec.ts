/** The page's text: the exposition format to the letter, and as Prometheus's own tool reads it. */
import { expect } from "chai";
import { CountingMeter } from "../../../actors/runtime/counting-meter.ts";
import { definitions } from "../../../actors/runtime/metrics.ts";
import { pageText } from "../../../nodes/metrics/text.ts";
import { promtoolFindings, promtoolMissing } from "../../support/promtool.ts";
import { skip } from "../../support/services.ts";
import { silentLog } from "../../support/silent-log.ts";

const made = () => new CountingMeter(silentLog);
const partOf = (meter: CountingMeter, process = "controller-1", thread = "main") => ({
  ...{ process, thread },
  measured: meter.measure(),
});

/** A value for every metric, with labels that need quoting wherever a label has no closed list. */
function everything() {
  const strange = 'a "b"\\\n';
  const measured = [...definitions].map(([name, { kind, labels }]) => {
    const values = Object.values(labels).map((one) => ("most" in one ? strange : (one[0] ?? "")));
    const buckets = kind === "time" ? [1, 0, 2] : [];
    return { name, series: [{ labels: values, value: 4, sum: 0.25, buckets }] };
  });
  return { process: "node-1", thread: "main", measured };
}

describe("the page's text", () => {
  it("has each metric once, with its meaning and type, and each sample with its process and thread", () => {
    const [one, other] = [made(), made()];
    one.count("novact_calls_kept_out_total", { door: "command", how: "dropped" }, 3);
    other.count("novact_calls_kept_out_total", { door: "report", how: "refused" });
    expect(pageText([partOf(one), partOf(other, "controller-1", "safety")])).to.equal(
      [
        "# HELP novact_calls_kept_out_total Messages beyond their sender's share, which were not read.",
        "# TYPE novact_calls_kept_out_total counter",
        'novact_calls_kept_out_total{process="controller-1",thread="main",door="command",how="dropped"} 3',
        'novact_calls_kept_out_total{process="controller-1",thread="safety",door="report",how="refused"} 1',
        "",
      ].join("\n"),
    );
  });

  it("has a histogram with buckets that add up, its sum and its number", () => {
    const meter = made();
    for (const commits of [1, 3, 1_000]) meter.size("novact_commit_batch_commits", {}, commits);
    const lines = pageText([partOf(meter)]).split("\n");
    const of = (suffix: string) =>
      lines
        .filter((line) => line.startsWith(`novact_commit_batch_commits_${suffix}{`))
        .map((line) => line.split(" ")[1]);
    expect(of("bucket")).to.deep.equal(["1", "1", "2", "2", "2", "2", "2", "2", "3"]);
    expect(lines.filter((line) => line.includes('le="+Inf"'))).to.have.length(1);
    expect([of("sum"), of("count")]).to.deep.equal([["1004"], ["3"]]);
  });

  it("quotes what a label may hold", () => {
    const meter = made();
    meter.look("novact_file_system_full", () => [[{ of: 'a "b"\\\n' }, 1]]);
    expect(pageText([partOf(meter)])).to.contain('of="a \\"b\\"\\\\\\n"} 1\n');
  });

  it("is empty when nothing was counted", () => {
    expect(pageText([partOf(made())])).to.equal("");
  });

  it("is read by Prometheus's own tool, which finds nothing to complain of", function () {
    if (promtoolMissing !== undefined) return skip(this, promtoolMissing);
    expect(promtoolFindings(pageText([everything()]))).to.equal("");
    expect(promtoolFindings("novact_bad{ 1\n"), "it can complain").to.not.equal("");
  });
});
