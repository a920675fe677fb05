/**
 * Limits of what a host may say of itself and of its machines. Controllers leave out or refuse what is beyond
 * them, and agents keep below: both ends must agree, so they are never configured. An honest host never meets
 * the bounds of numbers.
 */
export const reportLimits = {
  /**
   * Observations in one report: more than a host has guests; an agent with more of them splits its report
   * (hostLimits.reportMachinesMax). A larger report is refused as a whole.
   */
  reportEntriesMax: 2_000,
  /** The body of one report: an agent's fullest, with the longest texts in characters of three bytes. */
  reportBytesMax: 4 * 1024 * 1024,
  /**
   * Highest number of a count that a host reports (generations, resets, epochs): 2^48. A generation counts
   * anew after it (protocol/generation.ts): a change every millisecond reaches it after 8,900 years.
   */
  observedCountMax: 281_474_976_710_656,
  /**
   * How far above the stored generation of a machine the next one may be: 2^32. What a host does while no
   * controller hears it stays far below: ten changes a second for a year are 2^28.
   */
  observedStepMax: 4_294_967_296,
  /** Latest time that an observation may name, in wall-clock ms: the end of the year 9999. */
  observedAtMsMax: 253_402_300_799_999,
  /** Characters of the message of an observation, and of the texts of a host about itself. */
  observedTextLengthMax: 4_096,
  /** Characters of a guest's address: an IPv6 address with a zone needs 56. */
  observedAddressLengthMax: 64,
  /** Entries of each list in the answer of an audit. */
  auditEntriesMax: 10_000,
  /** Characters of a name in the answer of an audit: those of a file name. */
  auditNameLengthMax: 255,
} as const;
