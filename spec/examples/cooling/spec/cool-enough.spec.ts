/** The filter and the weigher by value, through the contracts that novact brings. */
import { filterContract, weigherContract } from "novact/contract";
import { cool, coolEnough } from "../src/cool-enough.ts";

const temperatures = { label: "inlet-celsius", mostCelsius: 35 };
const at = (celsius: string) => ({ labels: { "inlet-celsius": celsius } });

describe("cooling.coolEnough", () => {
  filterContract(coolEnough(temperatures), [
    { when: "no thermometer" },
    { when: "a thermometer that fails", host: at("n/a") },
    { when: "cool", host: at("21.5") },
    { when: "just warm enough", host: at("35") },
    {
      when: "hot",
      host: at("35.1"),
      refused: {
        reason: "its inlet has 35.1 °C, and 35 °C is the most",
        remedy: "wait until the host is cooler",
      },
    },
  ]);
});

describe("cooling.cool", () => {
  weigherContract(cool(temperatures), [
    { when: "no thermometer", weight: 0 },
    { when: "freezing", host: at("-20"), weight: 1 },
    { when: "half as warm as it may be", host: at("17.5"), weight: 0.5 },
    { when: "on fire", host: at("400"), weight: -1 },
  ]);
});
