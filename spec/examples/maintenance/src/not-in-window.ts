/** The filter: a host that is worked on, or will be soon, gets no new guest. Others of its guests stay. */
import { efforts, type HostFilter } from "novact/plugin";
import { nextWork } from "./host-facts.ts";
import { plugin, timeText } from "./window.ts";

export const notInWindow: HostFilter = {
  name: `${plugin}.notInWindow`,
  effort: efforts.waiting,
  check: (host) => {
    const work = nextWork(host);
    if (work === undefined || !work.closed) return true;
    return (refused) => {
      const { window, fromMs, untilMs, reason } = nextWork(refused) ?? work;
      const [from, until] = [timeText(fromMs), timeText(untilMs)];
      return {
        reason: `it is in the maintenance window ${window}, from ${from} until ${until} (${reason})`,
        remedy: `wait until ${until}, or end the window: novact maintenance-window delete ${window}`,
      };
    };
  },
};
