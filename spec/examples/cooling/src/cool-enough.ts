/**
 * A filter and a weigher by the temperature of the air at a host's inlet. The host carries it as a label;
 * whoever measures it writes it there. A host without the label, or with a label that is no number, is
 * neither refused nor preferred: a thermometer that fails must not empty a room.
 */
import { efforts, type HostFilter, type HostView, type HostWeigher } from "novact/plugin";

export interface Temperatures {
  readonly label: string;
  /** Above this a host gets no new guest; °C. */
  readonly mostCelsius: number;
}

const celsiusOf = ({ labels }: HostView, { label }: Temperatures): number | undefined => {
  const text = labels[label] ?? "";
  return /^-?\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : undefined;
};

export const coolEnough = (temperatures: Temperatures): HostFilter => ({
  name: "cooling.coolEnough",
  effort: efforts.waiting,
  check: (host) => {
    const celsius = celsiusOf(host, temperatures);
    if (celsius === undefined || celsius <= temperatures.mostCelsius) return true;
    const most = `${temperatures.mostCelsius} °C is the most`;
    return (refused) => ({
      reason: `its inlet has ${celsiusOf(refused, temperatures)} °C, and ${most}`,
      remedy: "wait until the host is cooler",
    });
  },
});

/** From 1 at 0 °C to 0 at the most that is allowed, and on to -1. */
export const cool = (temperatures: Temperatures): HostWeigher => ({
  name: "cooling.cool",
  novaName: "cooling_cool",
  multiplier: 0.5,
  weigh: (host) => {
    const celsius = celsiusOf(host, temperatures);
    if (celsius === undefined) return 0;
    return Math.min(1, Math.max(-1, 1 - celsius / temperatures.mostCelsius));
  },
});
