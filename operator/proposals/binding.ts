import { createHash } from 'node:crypto';
import { canonicalize } from '@tufjs/canonical-json';
import type { JsonObject } from '../../shared/json.ts';
import { invalidProposal } from './invalid-proposal.ts';

/*
 * All documents of a proposal have the same signed field: their roles, the versions that they
 * continue, and a digest over all of them. So each signature covers the whole proposal. Without it,
 * a person who forwards the file could drop the root from a revocation, or add a document of
 * another proposal.
 */

/** Clients ignore it. The next version of a document does not have it, see `contentOf`. */
const FIELD = 'x-proposal';

interface Bindable {
  readonly role: string;
  /** The version that it continues. */
  readonly base: number;
  readonly signed: JsonObject;
}

/** The documents with the field. Throws PROPOSAL_INVALID when one of them is not canonical JSON. */
export function bound<T extends Bindable>(documents: readonly T[]): T[] {
  const binding = bindingOf(documents);
  return documents.map((each) => ({ ...each, signed: { ...each.signed, [FIELD]: binding } }));
}

/** Throws PROPOSAL_INVALID when the documents are not those that were proposed, in their order. */
export function requireBound(documents: readonly Bindable[]): void {
  const binding = bindingOf(documents);
  const roles = documents.map(({ role }) => role);
  for (const { role, signed } of documents) {
    if (signed[FIELD] === binding) continue;
    const together = rolesIn(String(signed[FIELD] ?? ''));
    const missing = together.filter((each) => !roles.includes(each));
    const added = roles.filter((each) => !together.includes(each));
    if (missing.length > 0) {
      throw invalidProposal(`${missing.join(', ')} is missing: proposed together with ${role}`);
    }
    if (added.length > 0) {
      throw invalidProposal(`${added.join(', ')} was not proposed together with ${role}`);
    }
    throw invalidProposal(`the documents are not those that were proposed together with ${role}`);
  }
}

function bindingOf(documents: readonly Bindable[]): string {
  const parts = documents.map(({ role, base, signed: { [FIELD]: _, ...signed } }) => ({
    role,
    base,
    signed,
  }));
  const continued = documents.map(({ role, base }) => `${role} ${base}`).join(', ');
  const digest = createHash('sha256').update(canonical(parts)).digest('hex');
  return `continues ${continued}; sha256 ${digest}`;
}

function rolesIn(binding: string): string[] {
  const [, continued = ''] = /^continues ([^;]+);/.exec(binding) ?? [];
  return [...continued.matchAll(/([\w-]+) \d+/g)].map(([, role = '']) => role);
}

function canonical(value: unknown): string {
  let text: string;
  try {
    text = canonicalize(value);
  } catch (cause) {
    throw invalidProposal('a document is not canonical JSON', cause);
  }
  // All half surrogates become the same bytes: one signature would be valid for several documents.
  if (!text.isWellFormed()) throw invalidProposal('a text in a document is not Unicode');
  return text;
}
