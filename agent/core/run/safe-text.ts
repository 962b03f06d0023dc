import { cleanText } from '../../../shared/clean-text.ts';
import { redact } from '../../../shared/log/redact.ts';

/** Longer text of Puppet is cut before anything looks at it. */
const MAX_INPUT = 16 * 1024;

/**
 * Cleans text of Puppet for the status: as `cleanText`, and without credentials. It is cleaned
 * before credentials are searched, because an invisible character may split a credential. It is cut
 * afterwards, because a part of a credential is not recognized.
 */
export function safeText(text: string, max: number): string {
  return cleanText(redact(cleanText(text, MAX_INPUT)), max);
}
