/** Environments for one person or one change, `dev` and `dev_<name>`, share one role. */
export const DEV_ROLE = 'env-dev';
export const DEV_PATHS = ['dev/*', 'dev_*/*'];

export function isDevEnvironment(environment: string): boolean {
  return environment === 'dev' || environment.startsWith('dev_');
}
