import type { FactsDocument, StatusDocument } from '../../bucket/documents/status.ts';
import { hostFactsKey } from '../../bucket/layout.ts';
import { writeFileAtomicSync } from '../../shared/atomic-file.ts';
import { CodedError, type ErrorCode } from '../../shared/coded-error.ts';
import { asFileError } from '../../shared/disk-error.ts';
import { ownText } from '../../shared/foreign-file.ts';
import type { Agent } from '../agent.ts';
import type { CollectedFacts } from '../core/facts/facts.ts';
import { errorOf, type Findings, type Found } from '../core/findings.ts';
import type { HostState } from '../core/state.ts';
import {
  areFactsDue,
  isUploadDue,
  meaningfulDigest,
  NO_DIGEST,
  nextStatus,
} from '../core/status/status.ts';
import { windowAt } from '../core/when/apply-window.ts';
import { withReserveSync } from '../disk/reserve.ts';
import { saveState } from './save-state.ts';
import { JSON_TYPE, sendStatus } from './send-status.ts';
import { writePrometheus } from './write-prometheus.ts';

/**
 * Writes the status to the disk, then sends what is due. What could not be sent is kept and sent by
 * a later cycle. Errors of S3 or of a full disk are not thrown: a failing report never fails a run.
 * Returns the saved state, and no run, because the run is reported now.
 */
export async function report(agent: Agent, findings: Findings): Promise<Found> {
  const { identity, ports, config, pin } = agent;
  const now = ports.clock.now();
  const heartbeatSeconds = config.report.heartbeat.seconds;
  const window = windowAt(config.apply_window, now);
  const context = { now, heartbeatSeconds, window, pin, vitals: await ports.vitals() };
  const status = nextStatus(findings.state.status, identity, findings, context);
  const collected = findings.run?.facts;
  const facts = collected && factsDocument(identity.certname, collected, now);
  if (facts !== undefined) keepFacts(agent, facts);
  const { uploaded } = findings.state;
  const isDue = isUploadDue(meaningfulDigest(status), uploaded, now, heartbeatSeconds);
  // An upload that is killed may have written its object. The state must not mistake that object
  // for one of another machine, so the ETag counts as unknown. The digest makes the upload due
  // again even when the status is then as before, because it reports the runs of an outage.
  const inDoubt =
    isDue && uploaded !== null ? { ...uploaded, etag: null, digest: NO_DIGEST } : uploaded;
  const state: HostState = { ...findings.state, status, uploaded: inDoubt };
  const isBlocked = findings.blocked !== undefined;
  writePrometheus(agent, status);
  const isSaved = await saveState(agent, state, isBlocked);
  // When the state could not be saved, the state on the disk may be older than the last upload.
  const last = isDue ? { uploaded: isSaved ? uploaded : inDoubt } : undefined;
  const sent = await send(agent, state, { status, facts, last, known: errorOf(findings) });
  if (sent !== state) await saveState(agent, sent, isBlocked);
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
  const text = `${JSON.stringify(facts)}\n`;
  try {
    withReserveSync(paths, 'files', () => writeFileAtomicSync(paths.facts, text, { mode: 0o600 }));
  } catch (error) {
    const { message, next } = asFileError(error, paths.facts) as Partial<CodedError>;
    ports.log.error('facts.not-saved', { path: paths.facts, error: message, next });
  }
}

interface Documents {
  readonly status: StatusDocument;
  /** Undefined when this cycle collected no facts. */
  readonly facts: FactsDocument | undefined;
  /** The last upload of a status; undefined when the status is not due. */
  readonly last: Pick<HostState, 'uploaded'> | undefined;
}

/**
 * Returns the state with what was uploaded. When the bucket refuses the facts, the status is sent
 * anyway and names the facts that are in the bucket. `known` is the error that the cycle has logged
 * already.
 */
async function send(
  agent: Agent,
  state: HostState,
  { known, ...documents }: Documents & { readonly known: CodedError | undefined },
): Promise<HostState> {
  const { status, last } = documents;
  let sent = state;
  let failed = known;
  const orLogged = async (
    what: 'facts' | 'status',
    put: () => Promise<HostState>,
  ): Promise<void> => {
    try {
      sent = await put();
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      logUnsent(agent, what, error, failed);
      failed = error;
    }
  };
  await orLogged('facts', async () => await sendFacts(agent, sent, documents));
  if (last === undefined) return sent;
  const factsDigest = sent.factsUploaded?.digest ?? null;
  await orLogged('status', async () => {
    const put = await sendStatus(agent.ports, { ...status, factsDigest }, last.uploaded);
    // Keeps the digest of the new facts: the next cycle then sends the missing facts, and this
    // status again.
    return {
      ...sent,
      ...put,
      status: put.status && { ...put.status, factsDigest: status.factsDigest },
    };
  });
  return sent;
}

/** Errors that concern the whole bucket: two requests with the same code have the same cause. */
const WHOLE_BUCKET: ReadonlySet<ErrorCode> = new Set([
  'S3_CREDENTIALS_MISSING',
  'S3_CREDENTIALS_REJECTED',
  'S3_REGION_WRONG',
  'S3_BUCKET_MISSING',
  'S3_CLOCK_SKEWED',
  'S3_UNREACHABLE',
  'S3_SLOW_DOWN',
]);

/** One cause is logged as one warning: an error that refresh has logged is not explained again. */
function logUnsent(
  { ports }: Agent,
  what: 'facts' | 'status',
  error: CodedError,
  known: CodedError | undefined,
): void {
  const { code, message } = error;
  const next = 'it is kept on this host and sent by a later cycle';
  if (known?.code === code && WHOLE_BUCKET.has(code))
    ports.log.info(`${what}.kept`, { code, next });
  else ports.log.warn(`${what}.not-sent`, { code, error: message, next });
}

/** Must be sent before the status: a status must never name facts that are not in the bucket. */
async function sendFacts(
  { ports, paths }: Agent,
  state: HostState,
  { status, facts }: Documents,
): Promise<HostState> {
  const digest = status.factsDigest;
  const now = ports.clock.now();
  if (digest === null || !areFactsDue(digest, state.factsUploaded, now)) return state;
  // The facts of this run, even if the disk was full; else those that an earlier cycle kept.
  const document = facts === undefined ? ownText(paths.facts) : `${JSON.stringify(facts)}\n`;
  if (document === undefined) return state;
  const key = hostFactsKey(status.tree, status.certname);
  await ports.bucket.put(key, Buffer.from(document), JSON_TYPE);
  return { ...state, factsUploaded: { at: new Date(now).toISOString(), digest } };
}
