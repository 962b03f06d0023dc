import packageJson from '../../package.json' with { type: 'json' };

/** The version of mm, semver. The bundler puts it in as a constant. */
export const VERSION: string = packageJson.version;
