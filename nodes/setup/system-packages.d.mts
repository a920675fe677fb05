/** Types of system-packages.mjs, which is plain JavaScript so that it can run before npm has brought anything. */
export function installPackages(say: (text: string) => void): Promise<void>;
export function updateLists(say: (text: string) => void): Promise<boolean>;
