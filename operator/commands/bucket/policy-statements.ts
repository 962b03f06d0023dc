import { CodedError } from '../../../shared/coded-error.ts';
import { isJsonObject, type JsonObject, parseJson } from '../../../shared/json.ts';

/** The policy of a bucket. Statements of others can have any form that the store accepts. */
export interface BucketPolicy extends JsonObject {
  readonly Statement: readonly JsonObject[];
}

/**
 * Stores have one statement or a list. `look` is the command that shows the policy. Throws
 * S3_FAILED for what is not a policy.
 */
export function parsePolicy(text: string | undefined, look: string): BucketPolicy {
  if (text === undefined || text === '') return { Version: '2012-10-17', Statement: [] };
  const policy = parseJson(text);
  const statements = isJsonObject(policy) ? [policy['Statement']].flat() : [undefined];
  if (isJsonObject(policy) && statements.every(isJsonObject))
    return { ...policy, Statement: statements };
  throw new CodedError('the policy of the bucket is not a JSON document with statements', {
    code: 'S3_FAILED',
    next: `look at it: ${look}`,
  });
}

/** The policy with these statements in the place of those with the same ids. */
export function withStatements(
  policy: BucketPolicy,
  statements: readonly JsonObject[],
): BucketPolicy {
  const ids = statements.map(({ Sid }) => Sid);
  const others = policy.Statement.filter(({ Sid }) => Sid === undefined || !ids.includes(Sid));
  return { ...policy, Statement: [...others, ...statements] };
}

export function withoutStatements(policy: BucketPolicy, ids: readonly string[]): BucketPolicy {
  const isOther = ({ Sid }: JsonObject) => typeof Sid !== 'string' || !ids.includes(Sid);
  return { ...policy, Statement: policy.Statement.filter(isOther) };
}

/** `Bool` is what AWS documents. */
export type TlsCondition = 'Bool' | 'BoolIfExists';

/** What a statement is about. */
export interface Reach {
  readonly Sid: string;
  readonly Action: string;
  readonly Resource: readonly string[];
}

/** Denies it to everybody. */
export function deny(reach: Reach): JsonObject {
  return { ...reach, Effect: 'Deny', Principal: '*' };
}

/** Denies it to everybody whose request came without TLS. */
export function denyWithoutTls(reach: Reach, condition: TlsCondition): JsonObject {
  return { ...deny(reach), Condition: { [condition]: { 'aws:SecureTransport': 'false' } } };
}

/** Every request about the bucket. */
export function wholeBucket(Sid: string, arn: string): Reach {
  return { Sid, Action: 's3:*', Resource: [arn, `${arn}/*`] };
}

/** Whether the statement denies the whole bucket without TLS, under whatever id. */
export function isTlsOnly(statement: JsonObject, arn: string): boolean {
  const { Effect, Principal, Action, Resource, Condition } = statement;
  const all = isJsonObject(Principal) ? Principal['AWS'] : Principal;
  const resources = [Resource].flat();
  return (
    Effect === 'Deny' &&
    [all].flat().includes('*') &&
    [Action].flat().some((action) => action === 's3:*' || action === '*') &&
    (resources.includes('*') || [arn, `${arn}/*`].every((each) => resources.includes(each))) &&
    isOnlyAboutTls(Condition)
  );
}

function isOnlyAboutTls(condition: unknown): boolean {
  if (!isJsonObject(condition)) return false;
  const [[operator, keys] = ['', undefined], ...more] = Object.entries(condition);
  if (more.length > 0 || !/^Bool(IfExists)?$/.test(operator) || !isJsonObject(keys)) return false;
  const [[key, value] = ['', undefined], ...others] = Object.entries(keys);
  const values = [value].flat().map(String);
  return others.length === 0 && /^aws:SecureTransport$/i.test(key) && values.join() === 'false';
}
