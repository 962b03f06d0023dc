import packageJson from '../../../package.json' with { type: 'json' };

/** The version of mm, semver. In the built program the bundler replaces it by a constant. */
export const VERSION: string = packageJson.version;
