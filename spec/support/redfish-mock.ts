/**
 * A Redfish service with one system (or several), on loopback: its power takes a while to go off, and it can
 * be told to misbehave as real services do. It records requests, which only specs may use.
 */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface RedfishBehaviour {
  /** Time from ForceOff until PowerState is Off; infinity: it answers 204 and stays on. */
  offAfterMs: number;
  /** Time after which the system comes on again by itself. */
  onAgainAfterMs: number;
  sessions: boolean;
  systems: readonly string[];
  allowedResets: readonly string[];
  resetStatus: number;
  /** Number of connections to drop before it answers one. */
  drops: number;
  /** Number of answers with 503 before it does what it is asked. */
  busy: number;
  /** Takes questions and never answers. */
  hangs: boolean;
  /** Does what a Reset says, then drops the connection instead of answering; refuses the next. */
  resetAnswerLost: boolean;
  /** The target that it announces for the Reset action. */
  resetTarget: string | undefined;
  /** Number of requests after which it ends a session. */
  sessionQuestionsMax: number;
  redirects: boolean;
}

export const credentials = { user: "fencer", password: "p:w o'rd" } as const;

const usual: RedfishBehaviour = {
  offAfterMs: 60,
  onAgainAfterMs: Number.POSITIVE_INFINITY,
  sessions: true,
  systems: ["1"],
  allowedResets: ["On", "ForceOff", "GracefulShutdown"],
  resetStatus: 204,
  drops: 0,
  busy: 0,
  hangs: false,
  resetAnswerLost: false,
  resetTarget: undefined,
  sessionQuestionsMax: Number.POSITIVE_INFINITY,
  redirects: false,
};

export class RedfishMock {
  /** May be changed at any time. */
  readonly behaviour: RedfishBehaviour = { ...usual };
  /** `METHOD path`, in order, with `ForceOff` for an order that was taken. */
  readonly heard: string[] = [];
  /** Sessions that are open, and how many questions each had. */
  readonly sessions = new Map<string, number>();
  readonly #secure: { readonly key: string; readonly cert: string } | undefined;
  #server: ReturnType<typeof createServer> | undefined;
  #offAtMs = Number.POSITIVE_INFINITY;
  #sessionsMade = 0;

  constructor(secure?: { readonly key: string; readonly cert: string }) {
    this.#secure = secure;
  }

  async listen(): Promise<void> {
    const answer: RequestListener = (request, response) => void this.#answer(request, response);
    this.#server =
      this.#secure === undefined ? createServer(answer) : createSecureServer(this.#secure, answer);
    await new Promise<void>((resolve) => this.#server?.listen(0, "127.0.0.1", resolve));
  }

  get url(): string {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return `${this.#secure === undefined ? "http" : "https"}://127.0.0.1:${address?.port}`;
  }

  get state(): "On" | "Off" {
    const offForMs = performance.now() - this.#offAtMs;
    return offForMs >= 0 && offForMs < this.behaviour.onAgainAfterMs ? "Off" : "On";
  }

  /** Switches the power, as by the button. */
  set(state: "On" | "Off"): void {
    this.#offAtMs = state === "Off" ? performance.now() : Number.POSITIVE_INFINITY;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    this.heard.push(`${method} ${url}`);
    let text = "";
    for await (const chunk of request) text += String(chunk);
    const { behaviour } = this;
    if (behaviour.hangs) return;
    if (behaviour.drops > 0) {
      behaviour.drops -= 1;
      request.socket.destroy();
    } else if (behaviour.busy > 0) {
      behaviour.busy -= 1;
      reply(response, 503);
    } else if (behaviour.redirects) {
      response.setHeader("Location", "http://127.0.0.1:9/elsewhere");
      reply(response, 308);
    } else if (url === "/redfish/v1/SessionService/Sessions" && method === "POST") {
      this.#open(JSON.parse(text), response);
    } else if (!this.#knows(request)) {
      reply(response, 401, { error: { code: "Base.1.0.AccessDenied" } });
    } else {
      this.#serve(`${method} ${url}`, text, response);
    }
  }

  #open({ UserName, Password }: Record<string, unknown>, response: ServerResponse): void {
    if (!this.behaviour.sessions) {
      reply(response, 404);
    } else if (UserName !== credentials.user || Password !== credentials.password) {
      reply(response, 401, { error: { message: `${UserName} with ${Password} is not known` } });
    } else {
      this.#sessionsMade += 1;
      const token = `token-${this.#sessionsMade}`;
      this.sessions.set(token, 0);
      response.setHeader("X-Auth-Token", token);
      response.setHeader("Location", `/redfish/v1/SessionService/Sessions/${token}`);
      reply(response, 201, { Id: token });
    }
  }

  #knows({ headers }: IncomingMessage): boolean {
    const basic = Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64");
    if (headers.authorization !== undefined) return headers.authorization === `Basic ${basic}`;
    const token = String(headers["x-auth-token"]);
    const questions = this.sessions.get(token);
    if (questions === undefined) return false;
    if (questions >= this.behaviour.sessionQuestionsMax) return !this.sessions.delete(token);
    return this.sessions.set(token, questions + 1) !== undefined;
  }

  #serve(question: string, text: string, response: ServerResponse): void {
    const [method, path = ""] = question.split(" ");
    const [, , , noun, id = "", , action] = path.split("/");
    const isSystem = noun === "Systems" && this.behaviour.systems.includes(id);
    if (method === "DELETE" && noun === "SessionService") {
      this.sessions.delete(path.split("/").at(-1) ?? "");
      reply(response, 204);
    } else if (path === "/redfish/v1/Systems") {
      const members = this.behaviour.systems.map((each) => ({ "@odata.id": `/redfish/v1/Systems/${each}` }));
      reply(response, 200, { Members: members });
    } else if (isSystem && method === "POST" && action === "ComputerSystem.Reset") {
      this.#reset(JSON.parse(text), response);
    } else if (isSystem && action === undefined) {
      reply(response, 200, this.#describe(path));
    } else {
      reply(response, 404);
    }
  }

  #describe(path: string): object {
    return {
      Id: "1",
      PowerState: this.state,
      Actions: {
        "#ComputerSystem.Reset": {
          target: this.behaviour.resetTarget ?? `${path}/Actions/ComputerSystem.Reset`,
          "ResetType@Redfish.AllowableValues": this.behaviour.allowedResets,
        },
      },
    };
  }

  #reset({ ResetType }: Record<string, unknown>, response: ServerResponse): void {
    const { resetStatus, offAfterMs, resetAnswerLost } = this.behaviour;
    const taken = resetStatus < 300 && ResetType === "ForceOff" && this.state === "On";
    if (taken) {
      this.heard.push("ForceOff");
      this.#offAtMs = performance.now() + offAfterMs;
    }
    if (taken && resetAnswerLost) response.socket?.destroy();
    else reply(response, taken || resetStatus >= 300 ? resetStatus : 409);
  }
}

function reply(response: ServerResponse, status: number, body?: object): void {
  response.writeHead(status, { "Content-Type": "application/json" });
  response.end(body === undefined ? "" : JSON.stringify(body));
}
