/** The plug-in `cooling`: its options in cluster.yaml, and its filter and weigher. It opens nothing. */
import { definePlugin, Type } from "novact/plugin";
import { cool, coolEnough } from "./cool-enough.ts";

export default definePlugin({
  name: "cooling",
  api: 1,
  options: Type.Object(
    {
      label: Type.Optional(
        Type.String({
          pattern: "^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}$",
          description: "the label of a node that holds the temperature at its inlet, in °C",
        }),
      ),
      mostCelsius: Type.Optional(
        Type.Number({
          minimum: 1,
          maximum: 100,
          description: "the temperature above which a host gets no new guest, in °C",
        }),
      ),
    },
    { additionalProperties: false },
  ),
  parts: ({ label = "inlet-celsius", mostCelsius = 35 }) => ({
    filters: [coolEnough({ label, mostCelsius })],
    weighers: [cool({ label, mostCelsius })],
  }),
});
