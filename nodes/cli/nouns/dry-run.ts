/**
 * novact instance create --dry-run: what the create would answer, with the exit code that it would end with.
 * The answer is the service's; nothing is judged here.
 */
import { counted } from "../../../protocol/wire/wording.ts";
import { exitCodeOf, exitCodes } from "../../package/exit-codes.ts";
import { atTerminal } from "../errors.ts";
import type { Run } from "../run.ts";
import type { Session } from "../session.ts";
import { plain } from "../terminal.ts";
import { printVerdicts } from "./verdicts.ts";

type Question = Parameters<Session["instance"]["explainCreate"]>[0];
type Answer = Awaited<ReturnType<Session["instance"]["explainCreate"]>>;

export async function dryRun(run: Run, session: Session, question: Question): Promise<number> {
  const answer = await session.instance.explainCreate(question, run.call());
  const { hosts, refusal } = answer;
  if (run.json) run.emit(answer);
  else {
    if (hosts.length > 0) await printVerdicts(run, hosts);
    const sentence = sentenceOf(answer, question.count ?? 1);
    if (sentence !== undefined) run.print(`${hosts.length > 0 ? "\n" : ""}${sentence}`);
  }
  if (refusal === undefined) return exitOf(answer);
  if (!run.json) run.tell(atTerminal(refusal));
  return exitCodeOf(refusal.code);
}

/** A controller of the version before says only what each host says. */
function exitOf({ placed, hosts }: Answer): number {
  const fits = placed !== undefined || hosts.some((host) => host.fits);
  return fits ? exitCodes.ok.exit : exitCodeOf("RESOURCE_EXHAUSTED");
}

/** Most hosts that the sentence names. */
const hostsNamedMax = 10;

function sentenceOf({ placed = [], rest }: Answer, asked: number): string | undefined {
  const made = placed.reduce((sum, { instances }) => sum + instances, 0);
  if (made === 0) return undefined;
  const [first] = placed;
  if (asked === 1) return `It would go to ${plain(first?.hostName ?? "")}.`;
  const named = placed.slice(0, hostsNamedMax).map((one) => `${one.instances} on ${plain(one.hostName)}`);
  const more = placed.length - named.length;
  const others = more === 0 ? "" : `, and the others on ${counted(more, "more host")}`;
  const sentence = `${made} of ${asked} would be made: ${named.join(", ")}${others}.`;
  return rest === undefined ? sentence : `${sentence}\nNot more, because: ${plain(rest.message)}`;
}
