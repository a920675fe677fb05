/**
 * The link between the two threads of a controller: the calls of the safety channel to the actors, as
 * messages. What has no answer is collected while the actors are busy, so that a stuck thread finds one
 * message and not thousands. Clocks of threads count from different beginnings: only durations cross.
 */
import type {
  FleetAudience,
  FleetPicture,
  GuardReport,
  HostSaid,
  ImageQuestion,
  MachineReport,
  NetworkPull,
} from "../../actors/control/fleet/link.ts";
import type { CommitHint } from "../../actors/control/request/commits.ts";
import type { ImageTicketAnswer } from "../../protocol/image-ticket.ts";
import type { HostNetworkingAnswer } from "../../protocol/networking.ts";
import { StatusError } from "../../protocol/wire/status.ts";

/** A thread's end of the link: a worker, or what a worker knows as its parent. */
export interface LinkPort {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: never) => void): unknown;
}

/** News for the actors: that it was taken is the only answer. */
interface News {
  readonly heard: readonly (readonly [hostId: string, said: HostSaid])[];
  readonly committed: CommitHint | undefined;
  readonly cutOff: boolean;
  readonly picture: FleetPicture | undefined;
}

type Call =
  | { readonly name: "observed"; readonly report: MachineReport }
  | { readonly name: "guarded"; readonly report: GuardReport }
  | { readonly name: "networking"; readonly pull: NetworkPull }
  | { readonly name: "imageTicket"; readonly question: ImageQuestion }
  | { readonly name: "hostsChanged" }
  | { readonly name: "news"; readonly news: News };

export interface CallMessage {
  readonly kind: "call";
  readonly number: number;
  readonly call: Call;
}

export interface AnswerMessage {
  readonly kind: "answer";
  readonly number: number;
  /** What the actors' method answered. Absent, with `failed`: nothing. */
  readonly value?: unknown;
  readonly failed?: string;
}

/** The audience as the safety channel's thread sees it. */
export class LinkedAudience implements FleetAudience {
  readonly #port: Pick<LinkPort, "postMessage">;
  readonly #waiting = new Map<number, (answer: AnswerMessage) => void>();
  #number = 0;
  readonly #heard = new Map<string, HostSaid>();
  #committed: CommitHint | undefined;
  #cutOff = false;
  #picture: FleetPicture | undefined;
  #telling = false;

  constructor(port: Pick<LinkPort, "postMessage">) {
    this.#port = port;
  }

  /** Call with each answer that comes over the port. */
  answered(answer: AnswerMessage): void {
    this.#waiting.get(answer.number)?.(answer);
    this.#waiting.delete(answer.number);
  }

  observed(report: MachineReport): Promise<readonly string[]> {
    return this.#call({ name: "observed", report }) as ReturnType<FleetAudience["observed"]>;
  }

  networking(pull: NetworkPull): Promise<HostNetworkingAnswer> {
    return this.#call({ name: "networking", pull }) as ReturnType<FleetAudience["networking"]>;
  }

  imageTicket(question: ImageQuestion): Promise<ImageTicketAnswer | null> {
    return this.#call({ name: "imageTicket", question }) as ReturnType<FleetAudience["imageTicket"]>;
  }

  async guarded(report: GuardReport): Promise<boolean> {
    await this.#call({ name: "guarded", report });
    return true;
  }

  async hostsChanged(): Promise<void> {
    await this.#call({ name: "hostsChanged" });
  }

  heard(hostId: string, said: HostSaid = {}): void {
    const before = this.#heard.get(hostId);
    this.#heard.set(hostId, {
      spaces: said.spaces ?? before?.spaces,
      storages: said.storages ?? before?.storages,
      imagePeer: said.imagePeer ?? before?.imagePeer,
    });
    this.#tell();
  }

  committed(hint: CommitHint): void {
    const before = this.#committed;
    this.#committed = before === undefined ? hint : bothHints(before, hint);
    this.#tell();
  }

  cutOff(): void {
    this.#cutOff = true;
    this.#tell();
  }

  looked(picture: FleetPicture): void {
    this.#picture = picture;
    this.#tell();
  }

  /** Sends the news, and what came meanwhile when they were taken: one message is under way at most. */
  #tell(): void {
    if (this.#telling) return;
    this.#telling = true;
    // After this turn of the event loop: what comes together goes together.
    setImmediate(() => void this.#send());
  }

  async #send(): Promise<void> {
    while (this.#heard.size > 0 || this.#committed || this.#cutOff || this.#picture) {
      const news = {
        heard: [...this.#heard],
        committed: this.#committed,
        cutOff: this.#cutOff,
        picture: this.#picture,
      };
      this.#heard.clear();
      this.#committed = undefined;
      this.#cutOff = false;
      this.#picture = undefined;
      await this.#call({ name: "news", news });
    }
    this.#telling = false;
  }

  #call(call: Call): Promise<unknown> {
    this.#number += 1;
    const number = this.#number;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, ({ value, failed }) => {
        if (failed === undefined) resolve(value);
        else reject(new StatusError("internal", failed));
      });
      this.#port.postMessage({ kind: "call", number, call } satisfies CallMessage);
    });
  }
}

const bothHints = (one: CommitHint, other: CommitHint): CommitHint => ({
  lastSequence: Math.max(one.lastSequence, other.lastSequence),
  ended: [...one.ended, ...other.ended],
  projects: [...new Set([...one.projects, ...other.projects])],
});

/** Passes a call to the actors, and answers it. Never rejects. */
export async function answerCall(
  { number, call }: CallMessage,
  audience: FleetAudience,
  port: Pick<LinkPort, "postMessage">,
): Promise<void> {
  try {
    const value = await passOn(call, audience);
    port.postMessage({ kind: "answer", number, value } satisfies AnswerMessage);
  } catch (thrown) {
    const failed = StatusError.from(thrown, "Telling the actors").message;
    port.postMessage({ kind: "answer", number, failed } satisfies AnswerMessage);
  }
}

async function passOn(call: Call, audience: FleetAudience): Promise<unknown> {
  if (call.name === "observed") return audience.observed(call.report);
  if (call.name === "networking") return audience.networking(call.pull);
  if (call.name === "imageTicket") return audience.imageTicket(call.question);
  if (call.name === "guarded") {
    if (!(await audience.guarded(call.report))) throw notTold();
  } else if (call.name === "hostsChanged") await audience.hostsChanged();
  else tellNews(call.news, audience);
  return undefined;
}

const notTold = (): StatusError =>
  new StatusError("storeUnavailable", "What the guard did is not stored yet.");

function tellNews({ heard, committed, cutOff, picture }: News, audience: FleetAudience): void {
  if (cutOff) audience.cutOff();
  for (const [hostId, said] of heard) audience.heard(hostId, said);
  if (picture !== undefined) audience.looked(picture);
  if (committed !== undefined) audience.committed(committed);
}
