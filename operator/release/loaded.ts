import {
  type EnvironmentConf,
  moduleDirectories,
  pathInEnvironment,
} from '../../bucket/documents/environment-conf.ts';
import { OLD_SITE } from './check-shape.ts';
import { moduleOf } from './modules/module-path.ts';

const IN_MODULE = /^(?:manifests|functions|types)\/.+\.pp$/;
/**
 * An environment is like a module: it has functions and types, and the manifest instead of classes.
 */
const AT_TOP = /^(?:functions|types)\/.+\.pp$/;

/** Whether Puppet would load the path as a manifest: a `.pp` in files/ or spec/ is not code. */
export function isLoadedManifest(path: string, conf: EnvironmentConf): boolean {
  if (!path.endsWith('.pp')) return false;
  const inside = moduleOf(path, moduleDirectories(conf))?.inside;
  if (inside !== undefined) return IN_MODULE.test(inside);
  if (AT_TOP.test(path)) return true;
  const configured = conf.manifest === undefined ? 'manifests' : pathInEnvironment(conf.manifest);
  const isOldForm = path === OLD_SITE || path.startsWith('classes/');
  if (isOldForm && (configured === 'manifests' || configured === OLD_SITE)) return true;
  return configured === path || path.startsWith(`${configured}/`);
}
