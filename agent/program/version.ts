import packageJson from '../../package.json' with { type: 'json' };

/** The version of the agent (semver). The build replaces the import by a constant. */
export const VERSION: string = packageJson.version;
