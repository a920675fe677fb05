/** Limits of the driver `user` and of its switch's process. They are never configured. */
export const userNetworkLimits = {
  /** What `-netdev stream` carries: frames of 69,632 bytes pass (QEMU 7.2, tried). */
  streamMtuBytesMax: 65_535,
  /** How long a picture may take to be applied: a start of the switch on a busy computer is most of it. */
  applyTimeoutMs: 30_000,
  /** How often the switch's word is looked for, while a picture waits for it. */
  applyProbePeriodMs: 10,
  /** How often the switch is looked at while it is needed: what guests send is lost while none lives. */
  switchLookPeriodMs: 250,
  /** How often the gateways of published ports are looked at. */
  gatewayLookPeriodMs: 250,
  /** How often a gateway is asked whether all is open, when nothing has changed. */
  gatewayProbePeriodMs: 10_000,
  /** How long a gateway may say nothing, and how often, until it is ended. */
  gatewaySilenceMsMax: 20_000,
  gatewaySilencesMin: 3,
  /** How often it is tried again to open what could not be opened. */
  gatewayRetryMs: 5_000,
  /** Open files of a way outside, of which each connection has one: some 256 KiB of memory each at most. */
  exitFilesMax: 512,
  /** The pause before a switch is started again that ended soon, then twice as long, up to the maximum. */
  switchRestartBackoffMsMin: 250,
  switchRestartBackoffMsMax: 30_000,
  /** A switch that has lived this long has not failed at its start. */
  provenAfterMs: 60_000,
  /** From SIGTERM until the switch is killed. */
  endPatienceMs: 3_000,
  /** From SIGKILL until its end is given up. */
  killPatienceMs: 10_000,
  endProbePeriodMs: 10,
} as const;
