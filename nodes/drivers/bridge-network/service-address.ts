/** The address at which guests ask their host for addresses and metadata, in each network the same. */
export const serviceAddress = "169.254.169.254";
