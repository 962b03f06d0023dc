import { counted } from '../../shared/counted.ts';

/** `12.3 MB`, or `640 bytes` below a tenth of a megabyte. */
export function sizeText(bytes: number): string {
  return bytes < 1e5 ? counted(bytes, 'byte') : `${(bytes / 1e6).toFixed(1)} MB`;
}
