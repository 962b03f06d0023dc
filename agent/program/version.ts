import packageJson from '../../package.json' with { type: 'json' };

/** The agent's own version, semver. The bundler puts it in as a constant. */
export const VERSION: string = packageJson.version;
