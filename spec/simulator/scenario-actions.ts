/** One line of a scenario's commands, after its time. Pure: an unknown word is a SyntaxError. */
import { type FaultKind, faultKinds, type OrdinaryCommand, ordinaryCommands } from "./plan.ts";

export interface UserAction {
  readonly kind: "user";
  readonly user: string;
  readonly command: OrdinaryCommand | "again";
  /** Of the instance; empty for what is about none. */
  readonly name: string;
  readonly count: number | undefined;
  readonly withinSeconds: number | undefined;
  readonly wait: boolean;
  /** More fields of the request. */
  readonly fields: Fields;
  readonly forSeconds: 0;
}

type Value = string | number | null;
export type Fields = Readonly<Record<string, Value | Readonly<Record<string, Value>>>>;

/** Any method at all, of a user or of the operator. */
export interface AskAction {
  readonly kind: "ask";
  /** Empty: the operator. */
  readonly user: string;
  readonly method: string;
  /** An id, or the name of an instance; empty for a method of a collection. */
  readonly about: string;
  readonly fields: Fields;
  readonly forSeconds: 0;
}

/** Beside those that seeds draw. */
export const ownFaults = ["storeCut", "hypervisorHangs", "hypervisorRefuses"] as const;
export type OwnFault = (typeof ownFaults)[number];

export interface FaultAction {
  readonly kind: "fault";
  readonly fault: FaultKind | OwnFault;
  readonly target: string;
  /** The other end of a cut; by how many seconds a clock jumps; messages of a flood; kind of lies. */
  readonly other: string | undefined;
  /** How many turns of an actor break. */
  readonly times: number | undefined;
  readonly forSeconds: number;
}

export const fates = ["lose", "double", "delay", "crash-before", "crash-after", "lose-answer"] as const;
export type FateName = (typeof fates)[number];
export const stepKinds = ["request", "answer", "commit", "step"] as const;
export type StepKind = (typeof stepKinds)[number];

/** A fault at a step that comes from now on. */
export interface AimAction {
  readonly kind: "aim";
  /** Undefined: the step itself is undisturbed, but another action happens at its moment. */
  readonly fate: FateName | undefined;
  readonly step: StepKind;
  readonly what: string;
  readonly process: string | undefined;
  readonly nth: number;
  readonly times: number;
  /** How late it is, or its copy. */
  readonly bySeconds: number | undefined;
  /** Until a crashed process is started again. */
  readonly forSeconds: number;
  readonly next: Action | undefined;
}

export type Action = UserAction | AskAction | FaultAction | AimAction;

export function parseAction(text: string): Action {
  const [head, ...rest] = text.split(" then ");
  const words = new Words((head ?? "").split(/\s+/));
  const first = words.next("what happens");
  const action = actionOf(first, words, rest.length === 0 ? undefined : parseAction(rest.join(" then ")));
  words.end();
  return action;
}

function actionOf(first: string, words: Words, then: Action | undefined): Action {
  const fate = fates.find((known) => known === first);
  if (first === "when" || fate !== undefined) return aimOf(fate, words, then);
  if (then !== undefined) throw new SyntaxError('"then" follows "when", or what becomes of a step.');
  if (first === "user") return userOf(words);
  if (first === "operator") return askOf("", words.after("asks"));
  if (first === "fault") return faultOf(words);
  throw new SyntaxError(
    `A command begins with user, operator, fault, when, ${fates.join(", ")}; not "${first}".`,
  );
}

function askOf(user: string, words: Words): AskAction {
  const fields = words.fields();
  const method = words.next("a method");
  return { kind: "ask", user, method, about: words.maybe(), fields, forSeconds: 0 };
}

function userOf(words: Words): UserAction | AskAction {
  const user = words.next("the user");
  if (!/^u[1-9]$/.test(user)) throw new SyntaxError(`A user is called u1 to u9, not "${user}".`);
  if (words.flag("asks")) return askOf(user, words);
  const command = words.oneOf([...ordinaryCommands, "again"] as const);
  const name = command === "again" || command === "list" ? "" : words.next("the name of an instance");
  return {
    kind: "user",
    user,
    command,
    name,
    count: words.number("count"),
    withinSeconds: words.number("within"),
    wait: words.flag("wait"),
    fields: words.fields(),
    forSeconds: 0,
  };
}

const withoutTarget: ReadonlySet<string> = new Set([
  ...["busDown", "streamWiped", "storeDown", "storeStalls", "storeFull", "sharedFull"],
]);
const withOther: ReadonlySet<string> = new Set([
  ...["cut", "clockJump", "actorCrash", "answersLate", "flood", "hostLies"],
]);

function faultOf(words: Words): FaultAction {
  const fault = words.oneOf([...faultKinds, ...ownFaults] as const);
  const wiped = fault === "busDown" && words.flag("wiped");
  const target = withoutTarget.has(fault) ? (wiped ? "wiped" : "") : words.next("whom it strikes");
  const other = withOther.has(fault)
    ? words.next("the other end, the seconds, the message, how many, or which lies")
    : undefined;
  const times = words.number("times");
  return { kind: "fault", fault, target, other, times, forSeconds: words.number("for") ?? 0 };
}

function aimOf(fate: FateName | undefined, words: Words, then: Action | undefined): AimAction {
  if (fate === undefined && then === undefined) throw new SyntaxError('"when" needs a "then".');
  const step = words.oneOf(stepKinds);
  const isMessage = step === "request" || step === "answer";
  if (fate === "lose-answer" ? isMessage : fate === "lose" && !isMessage)
    throw new SyntaxError(
      `A message is lost, of what is durable the answer is; "${fate}" is not for ${step}.`,
    );
  const what = words.next(`which ${step}`);
  return {
    kind: "aim",
    fate,
    step,
    what,
    process: words.word("by"),
    nth: words.number("nth") ?? 1,
    times: words.number("times") ?? 1,
    bySeconds: words.number("late"),
    forSeconds: words.number("for") ?? 0,
    next: then,
  };
}

/** Words of a line, taken one after the other; named values may come in any order. */
class Words {
  readonly #words: string[];

  constructor(words: readonly string[]) {
    this.#words = words.filter((word) => word !== "");
  }

  next(what: string): string {
    const word = this.#words.shift();
    if (word === undefined) throw new SyntaxError(`The line ends before ${what}.`);
    return word;
  }

  oneOf<T extends string>(known: readonly T[]): T {
    const word = this.next(`one of ${known.join(", ")}`);
    const found = known.find((one) => one === word);
    if (found === undefined) throw new SyntaxError(`"${word}" is none of ${known.join(", ")}.`);
    return found;
  }

  /** Consumes the given word; returns the remaining words. */
  after(word: string): Words {
    this.oneOf([word]);
    return this;
  }

  maybe(): string {
    return this.#words.shift() ?? "";
  }

  /** All that are written as `name=value`. */
  fields(): Fields {
    const pairs = this.#words.filter((word) => word.includes("="));
    for (const pair of pairs) this.#words.splice(this.#words.indexOf(pair), 1);
    return Object.fromEntries(pairs.map((pair) => fieldOf(pair)));
  }

  flag(name: string): boolean {
    const at = this.#words.indexOf(name);
    if (at >= 0) this.#words.splice(at, 1);
    return at >= 0;
  }

  word(name: string): string | undefined {
    const at = this.#words.indexOf(name);
    if (at < 0) return undefined;
    const [, value] = this.#words.splice(at, 2);
    if (value === undefined) throw new SyntaxError(`The line ends after "${name}".`);
    return value;
  }

  number(name: string): number | undefined {
    const word = this.word(name);
    if (word === undefined) return undefined;
    const value = Number(word);
    if (!Number.isFinite(value)) throw new SyntaxError(`"${name}" has a number after it, not "${word}".`);
    return value;
  }

  end(): void {
    if (this.#words.length > 0) throw new SyntaxError(`What does "${this.#words.join(" ")}" mean?`);
  }
}

/** `recovery.policy=leave` is a field of a field. */
function fieldOf(pair: string): readonly [string, Fields[string]] {
  const at = pair.indexOf("=");
  const [name = "", inner] = pair.slice(0, at).split(".");
  const value = typed(pair.slice(at + 1));
  return [name, inner === undefined ? value : { [inner]: value }];
}

function typed(text: string): Value {
  if (text === "null") return null;
  return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
}
