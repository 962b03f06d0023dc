import { readFileSync } from 'node:fs';
import type { FactsDocument, StatusDocument } from '../../bucket/documents/status.ts';
import { hostFactsKey, hostStatusKey } from '../../bucket/layout.ts';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';
import { orUndefined } from '../../shared/files.ts';
import type { Agent } from '../agent.ts';
import type { CollectedFacts } from '../core/facts/facts.ts';
import { errorOf, type Findings, type Found } from '../core/findings.ts';
import type { HostState } from '../core/state.ts';
import { areFactsDue, isUploadDue, meaningfulDigest, nextStatus } from '../core/status/status.ts';
import { saveState } from './save-state.ts';

const JSON_TYPE = { contentType: 'application/json', cacheControl: 'no-store' } as const;

/**
 * Writes the status to the disk, then sends what is due. What could not be sent is kept and goes
 * with a later cycle. Neither S3 nor a full disk makes it throw: a failing report never fails a
 * run. Returns the saved state, and no run, because the run is reported now.
 */
export async function report(agent: Agent, findings: Findings): Promise<Found> {
  const { identity, ports, config } = agent;
  const now = ports.clock.now();
  const heartbeatSeconds = config.report.heartbeat.seconds;
  const context = { now, heartbeatSeconds, vitals: await ports.vitals() };
  const status = nextStatus(findings.state.status, identity, findings, context);
  const collected = findings.run?.facts;
  const facts = collected && factsDocument(identity.certname, collected, now);
  if (facts !== undefined) keepFacts(agent, facts);
  const state: HostState = { ...findings.state, status };
  await saveState(agent, state);
  const sent = await send(agent, state, { status, facts, known: errorOf(findings) });
  if (sent !== state) await saveState(agent, sent);
  return { state: sent, run: undefined };
}

function factsDocument(certname: string, facts: CollectedFacts, now: number): FactsDocument {
  return {
    schemaVersion: 1,
    certname,
    digest: facts.digest,
    writtenAt: new Date(now).toISOString(),
    facts: facts.all,
  };
}

function keepFacts({ paths, ports }: Agent, facts: FactsDocument): void {
  try {
    writeFileAtomicSync(paths.facts, `${JSON.stringify(facts)}\n`, { mode: 0o600 });
  } catch (error) {
    ports.log.error('facts.not-saved', { path: paths.facts, error: String(error) });
  }
}

interface Documents {
  readonly status: StatusDocument;
  /** Undefined when this cycle collected none. */
  readonly facts: FactsDocument | undefined;
}

/** Returns the state with what was uploaded. `known` is the error that the cycle has logged. */
async function send(
  agent: Agent,
  state: HostState,
  { known, ...documents }: Documents & { readonly known: CodedError | undefined },
): Promise<HostState> {
  let sent = state;
  try {
    sent = await sendFacts(agent, sent, documents);
    sent = await sendStatus(agent, sent, documents);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    logUnsent(agent, error, known);
  }
  return sent;
}

/** Errors of the bucket as a whole: the same code for two requests means the same cause. */
const WHOLE_BUCKET: ReadonlySet<ErrorCode> = new Set([
  'S3_CREDENTIALS_MISSING',
  'S3_CREDENTIALS_REJECTED',
  'S3_REGION_WRONG',
  'S3_BUCKET_MISSING',
  'S3_CLOCK_SKEWED',
  'S3_UNREACHABLE',
  'S3_SLOW_DOWN',
]);

/** One cause is one warning: what refresh has logged already is not explained again. */
function logUnsent({ ports }: Agent, error: CodedError, known: CodedError | undefined): void {
  const { code, message } = error;
  const next = 'it is kept on this host and sent by a later cycle';
  if (known?.code === code && WHOLE_BUCKET.has(code)) ports.log.info('status.kept', { code, next });
  else ports.log.warn('status.not-sent', { code, error: message, next });
}

/** Before the status, which must never name facts that are not in the bucket. */
async function sendFacts(
  { ports, paths }: Agent,
  state: HostState,
  { status, facts }: Documents,
): Promise<HostState> {
  const digest = status.factsDigest;
  const now = ports.clock.now();
  if (digest === null || !areFactsDue(digest, state.factsUploaded, now)) return state;
  // The facts of this run, even if the disk was full; else those that an earlier cycle kept.
  const document =
    facts === undefined
      ? orUndefined(() => readFileSync(paths.facts))
      : Buffer.from(`${JSON.stringify(facts)}\n`);
  if (document === undefined) return state;
  await ports.bucket.put(hostFactsKey(status.tree, status.certname), document, JSON_TYPE);
  return { ...state, factsUploaded: { at: new Date(now).toISOString(), digest } };
}

async function sendStatus(
  { ports, config }: Agent,
  state: HostState,
  { status }: Documents,
): Promise<HostState> {
  const digest = meaningfulDigest(status);
  const now = ports.clock.now();
  if (!isUploadDue(digest, state.uploaded, now, config.report.heartbeat.seconds)) return state;
  const key = hostStatusKey(status.tree, status.certname);
  await ports.bucket.put(key, Buffer.from(`${JSON.stringify(status)}\n`), JSON_TYPE);
  ports.log.debug('status.sent', { key });
  return {
    ...state,
    status: { ...status, offline: { runs: 0, skipped: 0 } },
    uploaded: { at: new Date(now).toISOString(), digest },
  };
}
